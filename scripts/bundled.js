// Which packages the bundler has put into dist: it writes a comment with the path above each file that it includes.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The folders of these packages, relative to `root`. */
export function bundledFolders(root) {
  const dist = join(root, 'dist')
  const bundled = new Set(
    readdirSync(dist)
      .filter((file) => /\.c?js$/.test(file))
      .flatMap((file) => [
        ...readFileSync(join(dist, file), 'utf8').matchAll(
          /^\s*\/\/ (node_modules\/(?:.*\/node_modules\/)?(?:@[^/\s]+\/)?[^/\s]+)\//gm,
        ),
      ])
      .map((match) => match[1]),
  )
  // The source contains a copy of its outlines: src/pages/mark-paths.ts.
  bundled.add('node_modules/bootstrap-icons')
  return [...bundled].sort()
}
