export { storeContract, type StoreCheck, type StoreContractOptions } from './store-contract.js'
export type {
  Awaitable,
  EntriesPage,
  EntriesQuery,
  SessionStore,
  StoreRecord,
  Unlock,
} from '../session/stores/store.js'
