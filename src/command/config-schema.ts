import { objectSchema, optionProperties, schemaDefinitions } from '../options/json-schema.js'
import type { JsonSchema } from '../options/json-schema.js'
import { settingFields } from './settings.js'
import { shareRepeated } from './share-repeated.js'

/** The JSON Schema of configuration files of the command. */
export function configSchema(): JsonSchema {
  const { secret, ...definitions } = schemaDefinitions()
  const file = {
    type: 'object',
    properties: { file: { type: 'string', description: 'A file that contains the secret.' } },
    required: ['file'],
    additionalProperties: false,
  }
  return shareRepeated({
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of the command oauth-module',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      ...objectSchema(settingFields).properties,
      ...optionProperties(),
    },
    additionalProperties: false,
    definitions: { ...definitions, secret: { anyOf: [secret, file] } },
  })
}
