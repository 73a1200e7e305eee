import { headers } from 'next/headers'

/** The gate removes headers of these names that a client sends, and percent-encodes names. */
export default async function Page() {
  const name = (await headers()).get('ngrok-auth-user-name') ?? ''
  return <h1>hello {decodeURIComponent(name)}</h1>
}
