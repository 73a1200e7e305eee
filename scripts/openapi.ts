// Writes docs/openapi.json: the admin API in OpenAPI 3.1, from the tables that it runs on. A test
// compares it. `npx tsx scripts/openapi.ts`
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { openApiDocument } from '../src/admin/openapi/openapi-document.js'

const file = 'docs/openapi.json'
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const options = { ...(await resolveConfig(file)), filepath: file }
writeFileSync(file, await format(JSON.stringify(openApiDocument(version)), options))
