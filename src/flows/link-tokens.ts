import { createCache } from '../http/create-cache.js'
import type { Encrypter } from '../http/encryption.js'
import { isObject, parseJson } from '../http/json.js'
import type { Mount } from '../http/mounts.js'

type LinkPurpose = 'return' | 'confirm' | 'form'

/** For how long requests get the same token, and for how many pages. */
const SHARED = { ttl: 60_000, max: 256 }

/** The encrypted parameters of links to the special paths. They are valid at one mount. */
export class LinkTokens {
  readonly #encrypter: Encrypter
  readonly #shared = createCache<string>(SHARED)

  constructor(encrypter: Encrypter) {
    this.#encrypter = encrypter
  }

  /** A token with this content, valid for `ttlMs`. */
  create(purpose: LinkPurpose, mount: Mount, ttlMs: number, content: object): string {
    return this.#encrypter.encrypt(
      purpose,
      JSON.stringify({ ...content, instance: mount.instanceId, until: Date.now() + ttlMs }),
    )
  }

  /**
   * As {@link create}, but the same token for a minute: for content that is not about one user. To
   * encrypt it would be most of the cost of a 401.
   */
  shared(purpose: LinkPurpose, mount: Mount, ttlMs: number, content: object): string {
    const key = JSON.stringify([purpose, mount.instanceId, content])
    const known = this.#shared.get(key)
    if (known !== undefined) return known
    const token = this.create(purpose, mount, ttlMs, content)
    this.#shared.set(key, token)
    return token
  }

  /** The content of a token; `undefined` if it is not valid. */
  read(
    purpose: LinkPurpose,
    mount: Mount,
    token: string | null,
  ): Record<string, unknown> | undefined {
    if (token === null) return undefined
    const data = parseJson(this.#encrypter.decrypt(purpose, token))
    if (!isObject(data) || data['instance'] !== mount.instanceId) return undefined
    return Number(data['until']) > Date.now() ? data : undefined
  }
}
