declare module 'pg' {
  type PoolOptions =
    { connectionString: string } | { host: string; port: number; user: string; database: string }
  interface Pool {
    query(text: string): Promise<{ rowCount: number | null; rows: Record<string, unknown>[] }>
    on(event: 'error', listener: (error: Error) => void): this
    end(): Promise<void>
  }
  const pg: { Pool: new (options: PoolOptions) => Pool }
  export default pg
}

declare module 'connect-pg-simple' {
  import type session from 'express-session'
  export default function connectPg(
    library: typeof session,
  ): new (options: {
    pool: object
    createTableIfMissing?: boolean
    pruneSessionInterval?: false
  }) => session.Store & { close(): Promise<void> }
}

declare module 'session-file-store' {
  import type session from 'express-session'
  export default function fileStore(
    library: typeof session,
  ): new (options: {
    path: string
    retries: number
    logFn: () => void
    reapInterval: number
  }) => session.Store
}
