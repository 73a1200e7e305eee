import { join } from 'node:path'
import ts from 'typescript'

export const root = join(__dirname, '../..')

/** Modules that exist only in memory, by their absolute path. */
export type Modules = ReadonlyMap<string, string>

/** A program of these modules, with the compiler options of one of the project's configurations. */
export function programOf(modules: Modules, configuration = 'tsconfig.json'): ts.Program {
  const { config } = ts.readConfigFile(join(root, configuration), ts.sys.readFile) as {
    config: object
  }
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: [] },
    ts.sys,
    root,
  )
  const relaxed = { ...options, noUnusedLocals: false, noUnusedParameters: false }
  const host = ts.createCompilerHost(relaxed)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (name) => modules.has(name) || fileExists(name)
  host.readFile = (name) => modules.get(name) ?? readFile(name)
  host.getSourceFile = (name, version) => {
    const code = modules.get(name)
    return code === undefined
      ? getSourceFile(name, version)
      : ts.createSourceFile(name, code, version)
  }
  return ts.createProgram([...modules.keys()], relaxed, host)
}

/** The errors of the compiler, each with the name of its module. */
export function errorsOf(modules: Modules, configuration?: string): string[] {
  return ts
    .getPreEmitDiagnostics(programOf(modules, configuration))
    .map(
      ({ file, messageText }) =>
        `${file?.fileName.slice(root.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    )
}

/** The `ts` code blocks of a Markdown text, and the number of the line in which each starts. */
export function codeBlocks(text: string): { code: string; line: number }[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => ({
    code: match[1] ?? '',
    line: text.slice(0, match.index).split('\n').length,
  }))
}
