export { storeContract, type StoreCheck, type StoreContractOptions } from './store-contract.js'
export type {
  Awaitable,
  CountQuery,
  EntriesPage,
  EntriesQuery,
  SessionStore,
  StoreRecord,
  Unlock,
  Unwatch,
} from '../session/stores/store.js'
export type { TestUser } from '../flows/test-login.js'
export {
  signIn,
  type SignedIn,
  type SignInOptions,
  type TestAgent,
  type TestedMiddleware,
  type TestRequest,
  type TestResponse,
} from './sign-in.js'
export type { PageSignIn, TestLocator, TestPage } from './sign-in-page.js'
