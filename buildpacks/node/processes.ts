/** What a Node app runs: its Procfile, its start script, or what its framework has built. */
import type { ProcessType } from '#core/domain/ids.ts'
import type { Procfile } from '#core/domain/procfile.ts'
import { invalidFile } from '../contract.ts'
import { isOpen, withDefaultWeb } from '../processes.ts'
import type { NodeApp } from './app.ts'
import { canServe, replacementFor } from './frameworks.ts'

/** @param program what runs a file: `node`, or `bun` */
export type Runner = 'node' | 'bun'

/** `site`: there is no server to run, the caller serves the folder that was built. */
export type Found = { processes: Procfile; site: boolean }

/**
 * The Procfile's processes; and for web, where it names none, the start script, what the framework has built, server.js or
 * `main`. Package managers are not there at run time, where they would only cost memory and swallow signals: `npm start`
 * becomes what the script says.
 * @param built files that the framework's build may have made and that are there
 */
export function nodeProcesses(nodeApp: NodeApp, built: ReadonlySet<string>, runner: Runner = 'node'): Found {
  const { procfile } = nodeApp
  const named: Procfile = {}
  for (const [type, command] of Object.entries(procfile ?? {}) as [ProcessType, string][])
    named[type] = withoutManager(command, nodeApp, 0)
  if (Object.hasOwn(named, 'web')) return { processes: named, site: false }
  const started = startCommand(nodeApp, built)
  if (started !== null) return { processes: withDefaultWeb(named, started), site: false }
  if (!isOpen(procfile)) return { processes: named, site: false }
  const main = mainFile(nodeApp)
  return main === null
    ? { processes: named, site: true }
    : { processes: withDefaultWeb(named, `${runner} ${main}`), site: false }
}

/** A start script that is a server for development is not run: what was built for production is. */
function startCommand(nodeApp: NodeApp, built: ReadonlySet<string>): string | null {
  const { scripts } = nodeApp.package
  const hasStart = scripts.has('start') || nodeApp.names.includes('server.js')
  const start = hasStart ? withoutManager('npm start', nodeApp, 0) : null
  const instead = replacementFor(nodeApp, start, built)
  if (instead !== null) return instead.startsWith('npm ') ? withoutManager(instead, nodeApp, 0) : instead
  return start !== null && canServe(start, built) ? start : null
}

export const nothingToStart = (): Error =>
  invalidFile(
    'Nothing says how to start this app: package.json has no start script and no main file that exists, and there is no server.js, index.js, Procfile or index.html. ' +
      'Add "scripts": { "start": "node server.js" } to package.json, or a Procfile with a line such as "web: node server.js".',
  )

// ── scripts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const MAX_DEPTH = 10
const calls =
  /^(?:npm\s+(?:(?<start>start)|(?:run|run-script)\s+(?:-s\s+|--silent\s+)?(?<script>[\w:.-]+))|(?:yarn|pnpm|bun)\s+(?:run\s+)?(?:-s\s+|--silent\s+)?(?<other>[\w:.-]+))$/

function withoutManager(command: string, nodeApp: NodeApp, depth: number): string {
  const { scripts } = nodeApp.package
  const groups = calls.exec(command.trim())?.groups
  const name = groups?.['start'] ?? groups?.['script'] ?? groups?.['other']
  if (name === undefined || depth > MAX_DEPTH) return command
  const script =
    scripts.get(name) ?? (name === 'start' && nodeApp.names.includes('server.js') ? 'node server.js' : null)
  // `yarn knex` and `bun index.ts` name a program, or a file.
  if (script === null && groups?.['other'] !== undefined) return command
  if (script === null)
    throw invalidFile(
      `The command ${JSON.stringify(command)} needs a script ${JSON.stringify(name)}, which package.json does not have.`,
    )
  const main = withoutManager(script, nodeApp, depth + 1)
  const before = scripts.get(`pre${name}`)
  return checkedCommand(
    before === undefined ? main : `(${withoutManager(before, nodeApp, depth + 1)}) && ${main}`,
    name,
  )
}

function checkedCommand(command: string, script: string): string {
  // The commands of a script are copied into those that call it; a script that calls itself twice would not end.
  if (command.length > 4096)
    throw invalidFile(`The script ${JSON.stringify(script)} of package.json is too long to run.`)
  return command.trim()
}

function mainFile({ package: { main, module }, hasMain, names }: NodeApp): string | null {
  if (main !== null && hasMain) {
    if (/^[\w@.+/][\w@.+/-]*$/.test(main)) return main
    throw invalidFile(
      `package.json: "main" is ${JSON.stringify(main.slice(0, 100))}; add a start script that runs it, a file name like this is not run as it is.`,
    )
  }
  const entry = [module, 'index.js', 'index.mjs', 'index.ts'].find((name) => name !== null && names.includes(name))
  return entry !== undefined && entry !== null && /^[\w@.+-]+$/.test(entry) ? entry : null
}

/** Processes whose command needs a program that is not there at run time, for a warning. */
export function managersAtRunTime(processes: Procfile, runner: Runner): string[] {
  const absent =
    runner === 'bun' ? /(?:^|[\s;&|(])(?:npm|npx|yarn|pnpm)\s/ : /(?:^|[\s;&|(])(?:npm|npx|yarn|pnpm|bun)\s/
  return (Object.entries(processes) as [ProcessType, string][])
    .filter(([, command]) => absent.test(`${command} `))
    .map(
      ([type, command]) =>
        `${type} runs ${JSON.stringify(command.slice(0, 200))}, but npm and its like are not there when the app runs: name the program itself.`,
    )
}
