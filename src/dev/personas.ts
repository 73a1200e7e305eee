import type { Field, Mistakes } from '../schema/field.js'
import { readFields } from '../schema/read-fields.js'
import { boolean, custom, string, strings } from '../schema/types.js'

/** A user who can sign in at the dev provider with one click. */
export interface Persona {
  /** The `sub` claim. */
  id: string
  /** The `name` claim. */
  name: string
  /** The `email` claim. */
  email: string
  /** The `email_verified` claim. Default: `true`. */
  emailVerified?: boolean
  /** The `preferred_username` claim. Default: the ID. */
  username?: string
  /** The `groups` claim. Default: none. */
  groups?: string[]
}

/** The personas of a provider without the option `personas`. */
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

const MISSING = 'must be a non-empty string'
const groupsField = strings()

const personaFields = {
  id: string().required(MISSING),
  name: string().required(MISSING),
  email: string().required(MISSING),
  emailVerified: boolean().default(true),
  username: string(),
  groups: custom((value, mistakes) =>
    Array.isArray(value) && value.length === 0 ? [] : groupsField.parse(value, mistakes),
  ).default([]),
} satisfies Record<keyof Persona, Field>

/** Validates the option `personas`. */
export function readPersonas(value: unknown, mistakes: Mistakes): readonly Persona[] | undefined {
  if (!Array.isArray(value) || value.length === 0)
    return mistakes.add('must be an array of at least one persona')
  const personas = value.map((persona: unknown, index) => {
    const values = readFields(personaFields, persona, mistakes.item(index))
    return { ...values, username: values.username ?? values.id, groups: [...values.groups] }
  })
  const ids = new Set(personas.map(({ id }) => id))
  return ids.size === personas.length ? personas : mistakes.add('contains the same id twice')
}

/** The standard claims of a persona (OpenID Connect Core 1.0, section 5.1). */
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
