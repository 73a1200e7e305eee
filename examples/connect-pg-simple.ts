/**
 * Two processes with sessions in PostgreSQL, in a store made for express-session. DATABASE_URL
 * names the database (`postgres://user:password@host/database`); the table `session` is created in
 * it.
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
  // Before the processes start: they would all create the table at once.
  await pool.query(
    `CREATE TABLE IF NOT EXISTS session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)`,
  )
  await pool.end()
  await startTwo()
} else {
  serve({ store: new PgStore({ pool }) })
}
