import { addToProvider, cannot, type Conversion, differs } from './conversion.js'

/** Who may pass. oauth2-proxy requires the email rule and the rules of the provider. */
export function convertRules(conversion: Conversion): void {
  convertEmails(conversion)
  const { provider, type } = conversion
  if (provider === 'github') convertGithub(conversion)
  else if (provider === 'gitlab') convertGitlab(conversion)
  else if (type === 'oidc') convertGroups(conversion)
  else if (provider === 'microsoft') convertObjectIds(conversion)
  else
    for (const name of ['allowed_groups', 'keycloak_groups'])
      if (conversion.settings.has(name))
        missing(conversion, name, 'has no counterpart for this provider.')
  convertCodeRules(conversion)
}

function missing({ settings, rules }: Conversion, name: string, message: string): void {
  rules.missing(settings.key(name), message)
}

function convertEmails(conversion: Conversion): void {
  const { settings, files, rules, type } = conversion
  const domains = settings.texts('email_domains')
  if (settings.flag('insecure_oidc_allow_unverified_email'))
    addToProvider(conversion, { trustEmail: true })
  const file = files.authenticated_emails_file
  if (settings.has('authenticated_emails_file') && file === undefined)
    missing(
      conversion,
      'authenticated_emails_file',
      'is a file that could not be read here: list its addresses in emailAddresses.',
    )
  if (domains.includes('*'))
    return differs(
      conversion,
      'email_domains',
      'is *, which is no rule here: users without an email address pass too.',
    )
  if (domains.length === 0 && !settings.has('authenticated_emails_file'))
    return missing(
      conversion,
      'email_domains',
      'is missing: oauth2-proxy does not start without it, or authenticated_emails_file. It may be in a flag or in the environment.',
    )
  if (domains.some((domain) => /^\.|\*/.test(domain)))
    cannot(
      conversion,
      'email_domains',
      'contains subdomains, for which there are no wildcards: list every domain in full. Until then, the options are not accepted.',
    )
  rules.add({ emailAddresses: addressesIn(file), emailDomains: domains })
  if (type === 'oidc' && !settings.flag('insecure_oidc_allow_unverified_email'))
    differs(
      conversion,
      'email_domains',
      'counts only if the claim email_verified is true, not also if it is absent: set trustEmail: true if the provider does not send it.',
    )
}

/** One address per line, the first of comma-separated values; `#` starts a comment. */
function addressesIn(file: string | undefined): readonly string[] {
  const lines = (file ?? '').split(/\r?\n/).map((line) => line.trim())
  const addresses = lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => (line.split(',')[0] ?? '').replaceAll('"', '').trim().toLowerCase())
  return [...new Set(addresses)]
}

function convertGithub(conversion: Conversion): void {
  const { settings, rules } = conversion
  const organization = settings.text('github_org')
  const teams = (settings.text('github_team') ?? '')
    .split(',')
    .map((team) => team.trim())
    .filter((team) => team !== '')
  if (organization !== undefined) rules.add({ organizations: [organization] })
  rules.add({
    teams: teams.map((team) =>
      organization === undefined ? team.replace(':', '/') : `${organization}/${team}`,
    ),
  })
  const allowed = settings.texts('allowed_groups')
  rules.add({
    organizations: allowed.filter((group) => !group.includes(':')),
    teams: allowed.filter((group) => group.includes(':')).map((group) => group.replace(':', '/')),
  })
  if (settings.has('github_users'))
    missing(
      conversion,
      'github_users',
      'names users, whose names can change hands: list their addresses in emailAddresses, or use authorize in an app.',
    )
  // Only without an organization, and without a token, is access to the repository required.
  if (settings.has('github_repo'))
    missing(
      conversion,
      'github_repo',
      'has no counterpart: use a team that has access to the repository, or authorize in an app.',
    )
}

function convertGitlab(conversion: Conversion): void {
  const { settings, rules } = conversion
  if (settings.has('gitlab_projects'))
    missing(
      conversion,
      'gitlab_projects',
      'has no counterpart: list the groups of the projects in groups, or use authorize in an app.',
    )
  rules.add({ groups: settings.texts('gitlab_groups') })
  rules.add({ groups: settings.texts('allowed_groups') })
}

/** Roles are groups with a prefix there, and a claim of their own here. */
function convertGroups(conversion: Conversion): void {
  const { settings, rules } = conversion
  const roles = settings.texts('allowed_roles')
  const groups = [...settings.texts('allowed_groups'), ...settings.texts('keycloak_groups')]
  const isRealm = groups.length === 0 && roles.every((role) => !role.includes(':'))
  rules.add({ groups })
  if (roles.length === 0) return
  if (!isRealm)
    return missing(
      conversion,
      'allowed_roles',
      'contains roles of clients, or stands next to groups, but there is one groupsClaim: use authorize in an app.',
    )
  rules.add({ groups: roles })
  addToProvider(conversion, { groupsClaim: 'realm_access.roles' })
  differs(
    conversion,
    'allowed_roles',
    'is read from the ID token or userinfo, not from the access token: add the mapper "realm roles" to them in Keycloak.',
  )
}

function convertObjectIds(conversion: Conversion): void {
  const { settings, rules } = conversion
  const field = settings.text('azure_graph_group_field')
  const groups = settings.texts('allowed_groups')
  if (groups.length === 0) return
  if (field !== undefined && field !== 'id')
    missing(conversion, 'allowed_groups', 'names groups: list their object IDs in groups.')
  else rules.add({ groups })
}

/** Rules of single providers that need an API of their own. */
function convertCodeRules(conversion: Conversion): void {
  const { settings, provider } = conversion
  if (settings.has('google_groups') && provider === 'google')
    missing(
      conversion,
      'google_groups',
      'needs the administration API of Google Workspace: use hostedDomain, or authorize in an app.',
    )
  for (const name of ['bitbucket_team', 'bitbucket_repository'])
    if (settings.has(name))
      missing(conversion, name, 'has no counterpart: use authorize in an app.')
}
