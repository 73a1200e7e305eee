// The package's main module only adds warnings about the runtime, and has the same class.
declare module 'oidc-provider/lib/provider.js' {
  export { Provider } from 'oidc-provider'
}
declare module 'oidc-provider/lib/helpers/interaction_policy/index.js' {
  import { interactionPolicy } from 'oidc-provider'
  export const Prompt: typeof interactionPolicy.Prompt
  export const base: typeof interactionPolicy.base
}
