import js from '@eslint/js'
import tseslint from 'typescript-eslint'

// For JavaScript files. TypeScript finds undeclared names itself.
const nodeGlobals = Object.fromEntries(
  [
    'Buffer',
    'URL',
    'URLSearchParams',
    'clearTimeout',
    'console',
    'fetch',
    'performance',
    'process',
    'setImmediate',
    'setTimeout',
  ].map((name) => [name, 'readonly']),
)

export default tseslint.config(
  { ignores: ['dist', 'docs/api', 'coverage', '**/node_modules', 'src/middleware/client-code.ts'] },
  js.configs.recommended,
  { files: ['**/*.js', '**/*.mjs'], languageOptions: { globals: nodeGlobals } },
  {
    files: ['examples/single-page-app/public/*.js'],
    languageOptions: {
      globals: { FormData: 'readonly', document: 'readonly', window: 'readonly' },
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['tsconfig.lint.json', 'src/browser/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allow: ['URL', 'URLSearchParams'] },
      ],
      // Spreading a string into its code points is what `[...text]` is for.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      // Express's types are extended with `declare global { namespace Express { interface User extends … {} } }`.
      '@typescript-eslint/no-namespace': ['error', { allowDeclarations: true }],
      '@typescript-eslint/no-empty-object-type': [
        'error',
        { allowInterfaces: 'with-single-extends' },
      ],
      // Declarations of modules that ship no types cannot be imported.
      '@typescript-eslint/triple-slash-reference': [
        'error',
        { path: 'always', types: 'never', lib: 'never' },
      ],
      // `async` turns exceptions of hooks and stores into rejections.
      '@typescript-eslint/require-await': 'off',
      // Hooks and templates may return nothing: `void` in unions is part of the public types.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // Node's header objects are not Maps.
      '@typescript-eslint/no-dynamic-delete': 'off',
      // `() => void` functions in one line.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // Values from users and providers are checked although their types exclude the mistake.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Marked as deprecated only to stand out: openid-client needs it for plain http on loopback.
      '@typescript-eslint/no-deprecated': [
        'error',
        { allow: [{ from: 'package', package: 'openid-client', name: 'allowInsecureRequests' }] },
      ],
      // Control characters are removed from headers, URLs and logs.
      'no-control-regex': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 200 }],
      'max-lines-per-function': ['error', { max: 50, IIFEs: true }],
    },
  },
  {
    files: ['__tests__/**/*.ts', '.ci/**/*.ts', 'examples/**/*.ts'],
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowArray: true, allow: ['URL', 'URLSearchParams'] },
      ],
      // JSON bodies are asserted as they are.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      // Tests wrap methods of stores and clients, and reject with what is not an error.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      // `json<T>(body)` names the expected type.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // winston declares the classes of its transports as values.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    },
  },
  {
    files: ['.ci/**/*.ts', 'examples/**/*.ts'],
    rules: {
      // Listeners of Node's emitters handle their errors themselves, or end the process.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
    },
  },
  {
    files: ['examples/nestjs.ts'],
    rules: {
      // Modules of NestJS are empty classes, and its options are plain objects.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
    },
  },
)
