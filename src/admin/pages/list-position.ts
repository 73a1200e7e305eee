import type { ListPosition } from '../../middleware/admin-access.js'

/** A position in a list as a query parameter. */
export function writePosition({ key, createdAt }: ListPosition): string {
  return `${createdAt}.${key}`
}

/** The position of a query parameter; `undefined` for other text. */
export function readPosition(text: string | null): ListPosition | undefined {
  const [, createdAt, key] = /^(\d{1,16})\.([A-Za-z0-9:_-]{1,100})$/.exec(text ?? '') ?? []
  return createdAt === undefined || key === undefined
    ? undefined
    : { createdAt: Number(createdAt), key }
}
