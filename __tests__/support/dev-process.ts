import { devProvider, type DevProviderOptions } from '../../src/dev/index.js'

/**
 * The dev provider needs an ESM-only package, which Jest cannot load: it runs here, and says where.
 */
const options = JSON.parse(process.argv[2] ?? '{}') as DevProviderOptions
const { issuer, clientId, clientSecret, personas } = await devProvider(options)
process.send?.({ issuer, clientId, clientSecret, personas })
process.on('disconnect', () => process.exit())
