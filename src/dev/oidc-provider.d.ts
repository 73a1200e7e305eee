// The main module of the package has the same class, and adds warnings about the runtime.
declare module 'oidc-provider/lib/provider.js' {
  export { Provider } from 'oidc-provider'
}
declare module 'oidc-provider/lib/helpers/interaction_policy/index.js' {
  import type { interactionPolicy } from 'oidc-provider'
  export const Prompt: typeof interactionPolicy.Prompt
  export const base: typeof interactionPolicy.base
}
