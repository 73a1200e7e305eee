import { defineConfig, type Options } from 'tsup'

/** Loaded by the core when a page shows devices: it contains a parser of user agents. */
const userAgent: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'user-agent',
  setup: (build) => {
    const extension = build.initialOptions.format === 'cjs' ? 'cjs' : 'js'
    build.onResolve({ filter: /\/user-agent\.js$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: `./user-agent.${extension}`, external: true } : undefined,
    )
  },
}

const base: Options = {
  target: 'node20',
  platform: 'node',
  sourcemap: true,
  splitting: false,
  treeshake: false,
  // The constructor of OAuthContext takes parts that are not public.
  dts: { compilerOptions: { stripInternal: true } },
  removeNodeProtocol: false,
  esbuildPlugins: [userAgent],
}

export default defineConfig([
  { ...base, entry: ['src/index.ts'], format: ['esm'] },
  {
    ...base,
    entry: ['src/index.ts'],
    format: ['cjs'],
    // ESM-only packages: bundled, so that require() works on every Node 20 and in a plain Jest.
    noExternal: ['openid-client', 'oauth4webapi', 'jose'],
    // require('oauth-module') is the function itself.
    footer: { js: 'module.exports = Object.assign(module.exports.default, module.exports);' },
  },
  // Types alone: the file that is loaded is empty.
  {
    ...base,
    entry: { 'express-user': 'src/middleware/express-user.ts' },
    format: ['esm', 'cjs'],
    sourcemap: false,
  },
  {
    ...base,
    entry: {
      import: 'src/import/index.ts',
      redis: 'src/session/stores/redis/index.ts',
      testing: 'src/testing/index.ts',
    },
    format: ['esm', 'cjs'],
  },
  {
    ...base,
    entry: { admin: 'src/admin/index.ts' },
    format: ['esm', 'cjs'],
    sourcemap: false,
    // Describes user agents.
    noExternal: ['bowser'],
  },
  // For browsers, by the bundler of the app.
  {
    ...base,
    entry: { client: 'src/browser/index.ts' },
    format: ['esm', 'cjs'],
    platform: 'browser',
    target: 'es2022',
    tsconfig: 'src/browser/tsconfig.json',
  },
  {
    ...base,
    entry: { 'user-agent': 'src/http/user-agent.ts' },
    format: ['esm', 'cjs'],
    sourcemap: false,
    dts: false,
    noExternal: ['bowser'],
  },
  {
    ...base,
    entry: { dev: 'src/dev/index.ts' },
    format: ['esm', 'cjs'],
    sourcemap: false,
    // oidc-provider and what it needs are bundled; users do not install it. Parts of it are CommonJS.
    noExternal: ['oidc-provider', 'jose'],
    // It stores and logs under its classes' names, which bundling would number.
    keepNames: true,
    banner: ({ format }) =>
      format === 'esm'
        ? {
            js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
          }
        : {},
  },
  {
    ...base,
    entry: { command: 'src/command/bin.ts' },
    format: ['esm'],
    dts: false,
    sourcemap: false,
    // What only the command needs is bundled, so that the package keeps its dependencies.
    noExternal: ['httpxy', 'redis', /^@redis\//, 'smol-toml', 'yaml'],
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
    },
  },
])
