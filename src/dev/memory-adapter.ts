import { LRUCache } from 'lru-cache'
import type { Adapter, AdapterPayload } from 'oidc-provider'

/** Keeps the sessions, codes and tokens of the dev provider in this process. */
export function createMemoryAdapter(): (model: string) => Adapter {
  const store = new LRUCache<string, AdapterPayload>({ max: 10_000, perf: Date })

  function findWhere(model: string, matches: (payload: AdapterPayload) => boolean) {
    for (const [key, payload] of store.entries())
      if (key.startsWith(`${model}:`) && matches(payload)) return payload
    return undefined
  }

  return (model) => ({
    async upsert(id, payload, expiresIn) {
      store.set(`${model}:${id}`, payload, expiresIn ? { ttl: expiresIn * 1000 } : {})
    },
    find: async (id) => store.get(`${model}:${id}`),
    findByUid: async (uid) => findWhere(model, (payload) => payload.uid === uid),
    findByUserCode: async (userCode) =>
      findWhere(model, (payload) => payload.userCode === userCode),
    async consume(id) {
      const payload = store.get(`${model}:${id}`)
      if (payload) payload.consumed = Math.floor(Date.now() / 1000)
    },
    async destroy(id) {
      store.delete(`${model}:${id}`)
    },
    async revokeByGrantId(grantId) {
      for (const [key, payload] of [...store.entries()])
        if (payload.grantId === grantId) store.delete(key)
    },
  })
}
