import { defineConfig, type Options } from 'tsup'

const base = {
  target: 'node20',
  platform: 'node' as const,
  splitting: false,
  treeshake: false,
  // The constructor of OAuthContext takes parts that are not public.
  dts: { compilerOptions: { stripInternal: true } },
  removeNodeProtocol: false,
} satisfies Options

export default defineConfig([
  // Their code is written by scripts/bundle.js.
  {
    ...base,
    entry: {
      admin: 'src/admin/index.ts',
      import: 'src/import/index.ts',
      index: 'src/index.ts',
      redis: 'src/session/stores/redis/index.ts',
      testing: 'src/testing/index.ts',
    },
    format: ['cjs'],
    dts: { ...base.dts, only: true },
  },
  // Types alone: the file that is loaded is empty.
  {
    ...base,
    entry: { 'express-user': 'src/middleware/express-user.ts' },
    format: ['esm', 'cjs'],
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
    entry: { dev: 'src/dev/index.ts' },
    format: ['esm', 'cjs'],
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
    // What only the command needs is bundled, so that the package keeps its dependencies.
    noExternal: ['httpxy', 'redis', /^@redis\//, 'smol-toml', 'yaml'],
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
    },
  },
])
