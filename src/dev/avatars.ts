import { createHash } from 'node:crypto'
import { html, type Html } from '../pages/html.js'

const GROUNDS = ['#dbe7ff', '#d9f2e6', '#ffe6d5', '#efe2ff', '#ffe1ea', '#dff3f7', '#f6edc9']
const SHIRTS = ['#2f6fed', '#12805c', '#c4501b', '#7a3fd1', '#c2255c', '#0b7285', '#3d4550']
const SKINS = ['#f6d3b8', '#e5b08a', '#c68a5f', '#8d5a3b']
const HAIRS = ['#2b2320', '#5b3a24', '#a5692e', '#d9b26a', '#8f9399']

/** Hair behind and in front of the head. */
const STYLES: readonly (readonly [behind: string, front: string])[] = [
  ['', 'M29 40c0-15 8-23 19-23s19 8 19 23c-4-9-11-12-19-12s-15 3-19 12z'],
  [
    'M27 40c0-15 9-24 21-24s21 9 21 24v26H27z',
    'M29 42c4-11 14-14 20-20 4 9 12 12 18 20 1-14-6-25-19-25s-20 11-19 25z',
  ],
  [
    'M48 6a9 9 0 1 1 0 18 9 9 0 1 1 0-18z',
    'M29 39c1-13 9-20 19-20s18 7 19 20c-9-3-12-8-14-11-6 6-14 10-24 11z',
  ],
  [
    'M26 44c-2-18 8-29 22-29s24 11 22 29c3 6 2 14-3 17H29c-5-3-6-11-3-17z',
    'M29 38c5-1 9-5 11-10 5 6 16 7 27 10-1-13-8-20-19-20s-18 7-19 20z',
  ],
]

/** The picture of a person, as SVG: always the same for the same ID. */
export function avatarOf(id: string): string {
  const bytes = createHash('sha256').update(id).digest()
  const pick = <T>(choices: readonly T[], index: number, fallback: T): T =>
    choices[(bytes[index] ?? 0) % choices.length] ?? fallback
  const [behind, front] = pick(STYLES, 0, ['', ''])
  const hair = pick(HAIRS, 1, '#000')
  const skin = pick(SKINS, 2, '#fff')
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96"><rect width="96" height="96" fill="${pick(GROUNDS, 3, '#fff')}"/>${shape(hair, behind)}<path fill="${pick(SHIRTS, 4, '#000')}" d="M12 96c0-19 14-29 36-29s36 10 36 29z"/><path fill="${skin}" d="M39 55h18v13a9 9 0 0 1-18 0z"/><ellipse cx="48" cy="43" rx="18" ry="21" fill="${skin}"/>${shape(hair, front)}</svg>`.toString()
}

function shape(fill: string, path: string): Html | false {
  return path !== '' && html`<path fill="${fill}" d="${path}"/>`
}

/** The same, as a data URI for `<img>`. */
export function avatarUri(id: string): string {
  return `data:image/svg+xml,${encodeURIComponent(avatarOf(id))}`
}
