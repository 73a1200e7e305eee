/**
 * Two processes with their logins in PostgreSQL, by a store that was made for express-session. DATABASE_URL says where the database is
 * (`postgres://user:password@host/database`); a table `session` is made in it.
 */
import cluster from 'node:cluster'
import connectPgSimple from 'connect-pg-simple'
import session from 'express-session'
import pg from 'pg'
import { serve, startTwo } from './support/processes.js'

const { DATABASE_URL } = process.env
if (DATABASE_URL === undefined) {
  console.error('Set DATABASE_URL to a PostgreSQL database: postgres://user:password@host/database')
  process.exit(1)
}

const PgStore = connectPgSimple(session)
const pool = new pg.Pool({ connectionString: DATABASE_URL })

if (cluster.isPrimary) {
  // Before the processes come: they would all make the table at once.
  await pool.query(
    `CREATE TABLE IF NOT EXISTS session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)`,
  )
  await pool.end()
  await startTwo()
} else {
  serve({ store: new PgStore({ pool }) })
}
