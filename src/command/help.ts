/** What `oauth-module --help` prints: the most used flags. `docs/command.md` has all of them. */
export const HELP = `oauth-module puts a login in front of a local port.

  oauth-module http TARGET --oauth PROVIDER [flags]
  oauth-module doctor [flags]         explain what is wrong with a configuration
  oauth-module import KIND FILE       convert a configuration: ngrok, traffic-policy, auth0, oauth2-proxy
  oauth-module signals ACTION NAME    create, verify, or status: the stream of a transmitter
  oauth-module seal < SECRET          encrypt a client secret for a configuration file
  oauth-module schema                 print the JSON Schema of configuration files

Examples
  oauth-module http 3000 --oauth dev
  oauth-module http 3000 --oauth google --oauth-allow-domain acme.com
  oauth-module http http://app:3000 --config gate.yaml --listen 0.0.0.0:8080

Provider
  --oauth NAME                    github, google, microsoft, gitlab, facebook, linkedin, twitch, amazon,
                                  dev, or a name of your choice with --oauth-type oidc or oauth2
  --oauth-client-id ID            the client ID that the provider gave you
  --oauth-client-secret SECRET    or --oauth-client-secret-file FILE
  --oauth-scope SCOPE             an additional scope; repeat the flag for several
  --oauth-issuer URL              the issuer, with --oauth-type oidc

Who may pass (a user who matches one of them passes; without any, everyone who can sign in)
  --oauth-allow-email ADDRESS     --oauth-allow-domain DOMAIN
  --oauth-organizations NAME      --oauth-teams ORG/TEAM      --oauth-groups NAME
  --allow-path 'GET /health'      no login for exactly this path and method; /* at the end

Sessions
  --auth-check-interval 5m        read the user from the provider again
  --maximum-duration 12h          --inactivity-timeout 30m
  --store redis://host:6379       memory (default), cookie, or Redis
  --secret SECRET                 at least 32 characters; or --secret-file FILE

Network
  --listen [HOST:]PORT            default 127.0.0.1:8080
  --base-url URL                  the address that browsers use
  --trusted-proxy ADDRESS         a proxy in front of the command, whose X-Forwarded-* headers count
  --auth-request[=forward]        respond to nginx auth_request, or to Traefik and Caddy
  --admin-token TOKEN             serve the admin API at /auth/admin; or --admin-token-file FILE

Configuration
  --config FILE                   JSON or YAML, followed while the command runs
  --print-config                  print the options in effect and where each comes from
  Flags win over OAUTH_MODULE_… in the environment (OAUTH_MODULE_OAUTH_CLIENT_ID), and these over the file.
  Every option of the package is a flag: authCheckGrace is --auth-check-grace. docs/command.md lists all.
`
