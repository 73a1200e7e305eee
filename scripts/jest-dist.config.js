// The suites of `npm run test:fast` against the built package: what they import from the entry points of src comes from
// dist. Left out is a suite that passes errors of dist to a class of src.
import fast from './jest-fast.config.js'

export default {
  ...fast,
  testPathIgnorePatterns: [...fast.testPathIgnorePatterns, '/__tests__/admin/audit-log'],
  moduleNameMapper: {
    '^(?:\\.\\./)+src/index\\.js$': '<rootDir>/dist/index.cjs',
    '^(?:\\.\\./)+src/(admin|import|testing)/index\\.js$': '<rootDir>/dist/$1.cjs',
    '^(?:\\.\\./)+src/session/stores/redis/index\\.js$': '<rootDir>/dist/redis.cjs',
    ...fast.moduleNameMapper,
  },
}
