import { dirname, resolve } from 'node:path'
import { isPlainObject } from '../schema/read-fields.js'
import { readText } from './config-file.js'
import { CommandError } from './errors.js'
import type { Setting } from './layers.js'

/**
 * Replaces `{ file: … }` by the content of the file, without its final line break. Relative names
 * in a configuration file are relative to it.
 */
export function readSecretFile(setting: Setting, configFile: string | undefined): Setting {
  const { value, path, origin } = setting
  if (!isPlainObject(value) || typeof value['file'] !== 'string') return setting
  const isInFile = origin === configFile
  const file = resolve(isInFile ? dirname(configFile) : '.', value['file'])
  const secret = readText(file, `the file of ${path.join('.')}`).replace(/\r?\n$/, '')
  if (secret === '') throw new CommandError(`the file of ${path.join('.')}, ${file}, is empty`)
  return { path, value: secret, origin: `the file ${file}, named by ${origin}` }
}
