import type { VendorEmail, VendorOrganization, VendorTeam, VendorUser } from './types.js'
import { withClaims } from './vendor.js'

const numeric = (id: string | number) => (Number.isSafeInteger(Number(id)) ? Number(id) : id)

/** The response of `/user`. */
export function profile(user: VendorUser): Record<string, unknown> {
  return withClaims(user, {
    login: user.username ?? `user-${user.id}`,
    id: numeric(user.id),
    avatar_url: user.picture ?? '',
    type: 'User',
    name: user.name ?? null,
    email: user.email ?? null,
  })
}

/** The response of `/user/emails`. */
export function emails(user: VendorUser): VendorEmail[] {
  if (user.emails) return user.emails
  return user.email
    ? [
        {
          email: user.email,
          primary: true,
          verified: user.emailVerified !== false,
          visibility: 'public',
        },
      ]
    : []
}

/** The organizations of a user. */
export function organizations(user: VendorUser): VendorOrganization[] {
  return (user.organizations ?? []).map((each, index) =>
    typeof each === 'string' ? { login: each, id: index + 1 } : each,
  )
}

/** The teams of a user. */
export function teams(user: VendorUser): VendorTeam[] {
  return (user.teams ?? []).map((each, index) => {
    if (typeof each !== 'string') return each
    const [organization = '', slug = ''] = each.split('/')
    return { organization, slug, id: index + 1 }
  })
}

/** An organization as in `/user/orgs`. */
export const organization = ({ login, id = 1 }: VendorOrganization) => ({
  login,
  id,
  description: null,
})

/** A team as in `/user/teams`. */
export function team({ organization: login, slug, name, id = 1, parent }: VendorTeam) {
  const above = parent && {
    id: parent.id ?? 1,
    slug: parent.slug,
    name: parent.name ?? parent.slug,
  }
  return {
    id,
    slug,
    name: name ?? slug,
    privacy: 'closed',
    organization: organization({ login }),
    parent: above ?? null,
  }
}
