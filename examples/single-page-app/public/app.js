// Adding a note is repeated as well: the gate has rejected the first request before the app received it.
window.oauthClient.configure({ repeatUnsafe: (method, url) => url === '/api/notes' })

async function api(path, init) {
  const response = await fetch(path, init)
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response.json()
}

function show(notes) {
  const items = notes.map(({ author, text }) => {
    const item = document.createElement('li')
    item.textContent = `${author}: ${text}`
    return item
  })
  document.querySelector('ul').replaceChildren(...items)
}

async function load() {
  document.querySelector('#user').value = (await api('/api/me')).name
  show(await api('/api/notes'))
}

document.querySelector('#reload').onclick = load
document.querySelector('form').onsubmit = async (event) => {
  event.preventDefault()
  const form = event.currentTarget
  const body = JSON.stringify(Object.fromEntries(new FormData(form)))
  const headers = { 'Content-Type': 'application/json' }
  show(await api('/api/notes', { method: 'POST', headers, body }))
  form.reset()
}
await load()
