import { readOptions } from '../schema.js'

/** Someone who can sign in at the dev provider with one click. */
export interface Persona {
  /** The `sub` claim. */
  id: string
  name: string
  email: string
  /** Default `true`. */
  emailVerified?: boolean
  /** The `preferred_username` claim; default the id. */
  username?: string
  /** The `groups` claim. */
  groups?: string[]
}

export const defaultPersonas: readonly Persona[] = [
  { id: 'ada', name: 'Ada Lovelace', email: 'ada@example.com', groups: ['engineering', 'admins'] },
  { id: 'grace', name: 'Grace Hopper', email: 'grace@example.com', groups: ['engineering'] },
  { id: 'mallory', name: 'Mallory', email: 'mallory@elsewhere.example' },
  {
    id: 'charles',
    name: 'Charles Babbage',
    email: 'charles@example.com',
    emailVerified: false,
    groups: ['engineering'],
  },
  {
    id: 'thorgunnur',
    name: 'Þórgunnur Aðalbjörg Świętosława Μαρία-Ελένη Vilhjálmsdóttir',
    email: 'thorgunnur.adalbjorg.vilhjalmsdottir@example.com',
    groups: ['qualité & sécurité'],
  },
]

export function readPersonas(given: unknown): Persona[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw new TypeError('devProvider.personas must be a list with at least one persona')
  }
  const personas = given.map((persona: unknown, index) =>
    readPersona(persona, `devProvider.personas[${index}]`),
  )
  const ids = new Set(personas.map(({ id }) => id))
  if (ids.size < personas.length)
    throw new TypeError('devProvider.personas has an id twice: each needs one of its own')
  return personas
}

function readPersona(given: unknown, at: string): Persona {
  const read = readOptions(given, at)
  read.only(['id', 'name', 'email', 'emailVerified', 'username', 'groups'])
  const text = (name: string) =>
    read.text(name) ?? read.fail(name, 'must be a text that is not empty')
  return {
    id: text('id'),
    name: text('name'),
    email: text('email'),
    emailVerified: read.boolean('emailVerified', true),
    username: read.text('username') ?? text('id'),
    groups: isEmptyList(read.value('groups')) ? [] : (read.list('groups', () => undefined) ?? []),
  }
}

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0

/** The claims of a persona, in OpenID Connect's words. */
export function claimsOf(
  { id, name, email, emailVerified = true, username = id, groups = [] }: Persona,
  issuer: string,
) {
  return {
    sub: id,
    name,
    email,
    email_verified: emailVerified,
    preferred_username: username,
    picture: `${issuer}/picture/${encodeURIComponent(id)}.svg`,
    groups,
  }
}

/** The first letter of the name as a person sees it, which may be several code units. */
export function initialOf({ name }: Persona): string {
  return [...name.trim()][0]?.toUpperCase() ?? '?'
}
