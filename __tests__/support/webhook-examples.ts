/** An account or organization of GitHub with every member that its webhooks have. */
function urlsOf(login: string): Record<string, string> {
  const url = `https://api.github.com/users/${login}`
  return {
    url,
    html_url: `https://github.com/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
  }
}

const CODERTOCAT = {
  login: 'Codertocat',
  id: 21031067,
  node_id: 'MDQ6VXNlcjIxMDMxMDY3',
  avatar_url: 'https://avatars1.githubusercontent.com/u/21031067?v=4',
  gravatar_id: '',
  ...urlsOf('Codertocat'),
  type: 'User',
  site_admin: false,
}

const org = 'https://api.github.com/orgs/Octocoders'
const OCTOCODERS = {
  login: 'Octocoders',
  id: 38302899,
  node_id: 'MDEyOk9yZ2FuaXphdGlvbjM4MzAyODk5',
  url: org,
  repos_url: `${org}/repos`,
  events_url: `${org}/events`,
  hooks_url: `${org}/hooks`,
  issues_url: `${org}/issues`,
  members_url: `${org}/members{/member}`,
  public_members_url: `${org}/public_members{/member}`,
  avatar_url: 'https://avatars1.githubusercontent.com/u/38302899?v=4',
  description: '',
}

const TEAM = {
  name: 'github',
  id: 3253328,
  node_id: 'MDQ6VGVhbTMyNTMzMjg=',
  slug: 'github',
  description: 'Open-source team',
  privacy: 'secret',
  url: 'https://api.github.com/teams/3253328',
  html_url: 'https://github.com/orgs/Octocoders/teams/github',
  members_url: 'https://api.github.com/teams/3253328/members{/member}',
  repositories_url: 'https://api.github.com/teams/3253328/repos',
  permission: 'pull',
}

/** The user and the organization of GitHub's examples. */
export const GITHUB_USER = CODERTOCAT
export const GITHUB_ORGANIZATION = OCTOCODERS

/** GitHub's examples by event, with what GitHub sends in `X-GitHub-Event`. */
export const GITHUB_WEBHOOKS: readonly (readonly [event: string, payload: object])[] = [
  [
    'organization',
    {
      action: 'member_removed',
      membership: {
        url: `${org}/memberships/Codertocat`,
        state: 'active',
        role: 'member',
        organization_url: org,
        user: CODERTOCAT,
      },
      organization: OCTOCODERS,
      sender: CODERTOCAT,
    },
  ],
  [
    'membership',
    {
      action: 'removed',
      scope: 'team',
      member: CODERTOCAT,
      sender: CODERTOCAT,
      team: TEAM,
      organization: OCTOCODERS,
    },
  ],
  [
    'team',
    {
      changes: {},
      action: 'edited',
      team: TEAM,
      organization: OCTOCODERS,
      sender: CODERTOCAT,
      installation: { id: 1, node_id: 'MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uMQ==' },
    },
  ],
  ['github_app_authorization', { action: 'revoked', sender: CODERTOCAT }],
  [
    'org_block',
    {
      action: 'blocked',
      blocked_user: CODERTOCAT,
      organization: OCTOCODERS,
      sender: CODERTOCAT,
    },
  ],
]

/** A webhook of GitLab, byte for byte as its documentation prints it. */
export interface GitlabExample {
  hook: 'System Hook' | 'Member Hook'
  body: string
  userId: number
  /** Groups of the user. */
  groups: string[]
  effect: 'checks' | 'ends' | 'nothing'
}

const JOHN = `  "user_email": "johnsmith@example.com",
     "user_name": "John Smith",
 "user_username": "johnsmith",
       "user_id": 41`

/**
 * https://docs.gitlab.com/administration/system_hooks/ and
 * https://docs.gitlab.com/user/project/integrations/webhook_events/#group-member-events
 */
export const GITLAB_WEBHOOKS: Readonly<Record<string, GitlabExample>> = {
  user_remove_from_group: {
    hook: 'System Hook',
    body: `{
    "created_at": "2012-07-21T07:30:56Z",
    "updated_at": "2012-07-21T07:38:22Z",
    "event_name": "user_remove_from_group",
  "group_access": "Maintainer",
      "group_id": 78,
    "group_name": "StoreCloud",
    "group_path": "storecloud",
  ${JOHN}
}
`,
    userId: 41,
    groups: ['storecloud'],
    effect: 'checks',
  },
  user_remove_from_team: {
    hook: 'System Hook',
    body: `{
                  "created_at": "2012-07-21T07:30:56Z",
                  "updated_at": "2012-07-21T07:38:22Z",
                  "event_name": "user_remove_from_team",
                "access_level": "Maintainer",
                  "project_id": 74,
                "project_name": "StoreCloud",
                "project_path": "storecloud",
 "project_path_with_namespace": "jsmith/storecloud",
                  "user_email": "johnsmith@example.com",
                   "user_name": "John Smith",
               "user_username": "johnsmith",
                     "user_id": 41,
          "project_visibility": "private"
}
`,
    userId: 41,
    groups: ['storecloud'],
    effect: 'checks',
  },
  user_destroy: {
    hook: 'System Hook',
    body: `{
   "created_at": "2012-07-21T07:44:07Z",
   "updated_at": "2012-07-21T07:38:22Z",
        "email": "js@gitlabhq.com",
   "event_name": "user_destroy",
         "name": "John Smith",
     "username": "js",
      "user_id": 41
}
`,
    userId: 41,
    groups: ['storecloud'],
    effect: 'ends',
  },
  user_failed_login: {
    hook: 'System Hook',
    body: `{
  "event_name": "user_failed_login",
  "created_at": "2017-10-03T06:08:48Z",
  "updated_at": "2018-01-15T04:52:06Z",
        "name": "John Smith",
       "email": "user4@example.com",
     "user_id": 26,
    "username": "user4",
       "state": "blocked"
}
`,
    userId: 26,
    groups: ['storecloud'],
    effect: 'ends',
  },
  user_rename: {
    hook: 'System Hook',
    body: `{
    "event_name": "user_rename",
    "created_at": "2017-11-01T11:21:04Z",
    "updated_at": "2017-11-01T14:04:47Z",
          "name": "new-name",
         "email": "best-email@example.tld",
       "user_id": 58,
      "username": "new-exciting-name",
  "old_username": "old-boring-name"
}
`,
    userId: 58,
    groups: ['storecloud'],
    effect: 'checks',
  },
  group_destroy: {
    hook: 'System Hook',
    body: `{
   "created_at": "2012-07-21T07:30:54Z",
   "updated_at": "2012-07-21T07:38:22Z",
   "event_name": "group_destroy",
         "name": "StoreCloud",
         "path": "storecloud",
     "group_id": 78
}
`,
    userId: 41,
    groups: ['storecloud'],
    effect: 'checks',
  },
  'group_destroy of a subgroup': {
    hook: 'System Hook',
    body: `{
   "created_at": "2012-07-21T07:30:54Z",
   "updated_at": "2012-07-21T07:38:22Z",
   "event_name": "group_destroy",
         "name": "StoreCloud",
         "path": "storecloud",
     "group_id": 78
}
`,
    userId: 41,
    groups: ['parent/storecloud'],
    effect: 'checks',
  },
  group_rename: {
    hook: 'System Hook',
    body: `{
     "event_name": "group_rename",
     "created_at": "2017-10-30T15:09:00Z",
     "updated_at": "2017-11-01T10:23:52Z",
           "name": "Better Name",
           "path": "better-name",
      "full_path": "parent-group/better-name",
       "group_id": 64,
       "old_path": "old-name",
  "old_full_path": "parent-group/old-name"
}
`,
    userId: 41,
    groups: ['parent-group/old-name'],
    effect: 'checks',
  },
  user_create: {
    hook: 'System Hook',
    body: `{
   "created_at": "2012-07-21T07:44:07Z",
   "updated_at": "2012-07-21T07:38:22Z",
        "email": "js@gitlabhq.com",
   "event_name": "user_create",
         "name": "John Smith",
     "username": "js",
      "user_id": 41
}
`,
    userId: 41,
    groups: ['storecloud'],
    effect: 'nothing',
  },
  'user_update_for_group of a group webhook': {
    hook: 'Member Hook',
    body: `{
  "created_at": "2020-12-11T04:57:22Z",
  "updated_at": "2020-12-12T08:48:19Z",
  "group_name": "webhook-test",
  "group_path": "webhook-test",
  "group_id": 100,
  "user_username": "test_user",
  "user_name": "Test User",
  "user_email": "testuser@webhooktest.com",
  "user_id": 64,
  "group_access": "Developer",
  "group_plan": null,
  "expires_at": "2020-12-20T00:00:00Z",
  "event_name": "user_update_for_group"
}
`,
    userId: 64,
    groups: ['webhook-test'],
    effect: 'checks',
  },
}
