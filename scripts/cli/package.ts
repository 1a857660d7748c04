/** The command line as a package of one file, which any Node from 20 on runs: `npm i -g http://…/cli.tgz`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { build } from 'vite'
import { end, header, padding } from '#core/domain/archive.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The oldest Node whose users get the package. */
export const OLDEST_NODE = '20'

/** A file's path in the package, and what it holds. */
export type PackageFile = { path: string; content: Buffer; isExecutable: boolean }

/** The same checkout makes the same files, to the byte. */
export async function packageFiles(): Promise<PackageFile[]> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Record<string, unknown>
  const own = {
    name: 'berth-cli',
    version: manifest['version'],
    description: 'The command line of Berth, a lightweight PaaS.',
    license: manifest['license'],
    type: 'module',
    bin: { berth: 'berth.js' },
    engines: { node: `>=${OLDEST_NODE}` },
  }
  const file = (path: string, content: string | Buffer, isExecutable = false): PackageFile => ({
    path,
    content: Buffer.from(content),
    isExecutable,
  })
  return [
    file('package.json', `${JSON.stringify(own, null, 2)}\n`),
    file('LICENSE', await readFile(join(ROOT, 'LICENSE'))),
    file('README.md', readme),
    file('berth.js', `#!/usr/bin/env node\n${await bundle()}`, true),
  ]
}

/** A gzipped tar, as npm installs it: all below `package/`, with times and owners that are always the same. */
export async function tarball(files: PackageFile[]): Promise<Buffer> {
  const parts = files.flatMap(({ path, content, isExecutable }) => [
    header({ path: `package/${path}`, kind: 'file', size: content.length, isExecutable, target: '' }),
    content,
    new Uint8Array(padding(content.length)),
  ])
  return promisify(gzip)(Buffer.concat([...parts, end()]), { level: 9 })
}

async function bundle(): Promise<string> {
  const made = await build({
    root: ROOT,
    configFile: false,
    envDir: false,
    logLevel: 'warn',
    ssr: { target: 'node', noExternal: true },
    build: {
      ssr: join(ROOT, 'cli/main.ts'),
      write: false,
      target: `node${OLDEST_NODE}`,
      minify: true,
      rolldownOptions: { output: { format: 'esm', codeSplitting: false } },
    },
  })
  const outputs = Array.isArray(made) ? made : 'output' in made ? [made] : []
  const chunks = outputs.flatMap(({ output }) => output).filter((chunk) => chunk.type === 'chunk')
  const [only] = chunks
  if (only === undefined || chunks.length > 1) throw new Error(`The bundle has ${chunks.length} files instead of one.`)
  return only.code
}

const readme = `# berth

The command line of Berth. \`berth login\` first, and \`berth help\` for the rest.
`
