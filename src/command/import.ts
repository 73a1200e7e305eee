import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isObject } from '../http/json.js'
import { InvalidConfiguration } from '../import/draft.js'
import { settingName } from '../import/oauth2-proxy/setting-types.js'
import {
  type Difference,
  fromAuth0Connection,
  fromNgrokModule,
  fromNgrokTrafficPolicy,
  fromOAuth2Proxy,
  type ImportResult,
  type OAuth2ProxyFiles,
} from '../import/index.js'
import { parseDocument, parseOAuth2Proxy, UnreadableFile } from './configuration-files.js'

/** Where the command writes to. */
export interface ImportOutput {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

interface Importer {
  readonly parse: (text: string) => Record<string, unknown>
  readonly convert: (config: Record<string, unknown>, files: OAuth2ProxyFiles) => ImportResult
}

const importers: Readonly<Record<string, Importer>> = {
  ngrok: { parse: parseDocument, convert: fromNgrokModule },
  'traffic-policy': { parse: parseDocument, convert: fromNgrokTrafficPolicy },
  auth0: { parse: parseDocument, convert: fromAuth0Connection },
  'oauth2-proxy': { parse: parseOAuth2Proxy, convert: fromOAuth2Proxy },
}

const USAGE = `Usage: oauth-module import ${Object.keys(importers).join('|')} FILE\n`

/**
 * `oauth-module import KIND FILE`: prints our options on stdout, and what differs on stderr.
 *
 * @returns The exit code: 0, 1 if the options cannot express something, 2 if there is nothing to
 *   convert.
 */
export async function runImport(
  kind: string | undefined,
  file: string | undefined,
  { stdout, stderr }: ImportOutput,
): Promise<number> {
  const importer =
    kind !== undefined && Object.hasOwn(importers, kind) ? importers[kind] : undefined
  if (importer === undefined || file === undefined) {
    stderr.write(USAGE)
    return 2
  }
  try {
    const result = await importFile(importer, file)
    stdout.write(`${JSON.stringify({ ...result.options, ...result.command }, null, 2)}\n`)
    stderr.write(report(result))
    return result.unsupported.length > 0 ? 1 : 0
  } catch (error) {
    const message = messageOf(error)
    if (message === undefined) throw error
    stderr.write(`${file} ${message}\n`)
    return 2
  }
}

async function importFile({ parse, convert }: Importer, file: string): Promise<ImportResult> {
  const config = parse(await readFile(file, 'utf8'))
  return convert(config, await filesOf(config, dirname(file)))
}

/** The files that a configuration of oauth2-proxy names, as far as they can be read. */
async function filesOf(
  config: Readonly<Record<string, unknown>>,
  folder: string,
): Promise<OAuth2ProxyFiles> {
  const files: Record<string, string> = {}
  for (const [key, path] of Object.entries(config)) {
    const name = settingName(key)
    if (name !== 'authenticated_emails_file' && name !== 'client_secret_file') continue
    const content = await readFile(resolve(folder, String(path)), 'utf8').catch(() => undefined)
    if (content !== undefined) files[name] = content
  }
  return files
}

function messageOf(error: unknown): string | undefined {
  if (error instanceof UnreadableFile) return error.message
  if (error instanceof InvalidConfiguration) return `cannot be converted. ${error.message}`
  const code = isObject(error) ? error['code'] : undefined
  return typeof code === 'string' ? `cannot be read (${code})` : undefined
}

function report({ differences, unsupported }: ImportResult): string {
  return [
    ...section('Not converted, and to be replaced by hand:', unsupported),
    ...section('Converted, with differences:', differences),
  ].join('\n')
}

function section(title: string, entries: readonly Difference[]): readonly string[] {
  if (entries.length === 0) return []
  return [title, ...entries.map(({ name, message }) => `  ${name} ${message}`), '']
}
