/** `npm run bench [-- NAME [PART …] …]`: measures, and prints tables of medians and ratios. See docs/PERFORMANCE.md. */
import { cpus, totalmem } from 'node:os'
import { messageOf } from '../core/domain/errors.ts'
import { consolePages } from './console.ts'
import { cycles } from './cycles.ts'
import { density, densityParts } from './density.ts'
import { deploy, deployRows } from './deploy.ts'
import { fuzz } from './fuzz.ts'
import { fairness } from './fairness.ts'
import { fuzzSockets } from './fuzz-sockets.ts'
import { readOptions, type Options } from './options.ts'
import { live } from './live.ts'
import { overhead } from './overhead.ts'
import { restarts } from './restarts.ts'
import { router, routerRows } from './router.ts'
import { routes } from './routes.ts'
import { slugs } from './slugs.ts'
import { start } from './start.ts'

/** Those that are only run when they are named take long, and look for faults rather than for figures. */
type Bench = { run: (options: Options) => Promise<void>; parts?: readonly string[]; onlyNamed?: true }

const benches: Record<string, Bench> = {
  start: { run: start },
  overhead: { run: overhead },
  density: { run: density, parts: densityParts },
  deploy: { run: deploy, parts: deployRows },
  slugs: { run: slugs },
  router: { run: router, parts: routerRows },
  routes: { run: routes },
  fairness: { run: fairness },
  console: { run: consolePages },
  restarts: { run: restarts, onlyNamed: true },
  'fuzz-sockets': { run: fuzzSockets, onlyNamed: true },
  fuzz: { run: fuzz, onlyNamed: true },
  cycles: { run: cycles },
  live: { run: live, onlyNamed: true },
}

try {
  const { names, options } = readOptions(process.argv.slice(2))
  const asked = chosen(names)
  console.log(
    `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.version}`,
  )
  for (const { name, only } of asked) {
    console.log(`\n── ${name}`)
    await benches[name]?.run({ ...options, only })
  }
  process.exit(0)
} catch (error) {
  process.stderr.write(
    `${error instanceof Error && !(error instanceof TypeError) ? (error.stack ?? '') : messageOf(error)}\n`,
  )
  process.exit(2)
}

/** The parts of a benchmark follow its name. @throws TypeError */
function chosen(names: string[]): { name: string; only: string[] }[] {
  if (names.length === 0)
    return Object.entries(benches).flatMap(([name, { onlyNamed }]) => (onlyNamed ? [] : [{ name, only: [] }]))
  const asked: { name: string; only: string[] }[] = []
  for (const name of names) {
    const last = asked.at(-1)
    if (last && benches[last.name]?.parts?.includes(name)) last.only.push(name)
    else if (name in benches) asked.push({ name, only: [] })
    else throw new TypeError(`There is no benchmark ${name}. There are: ${Object.keys(benches).join(', ')}.`)
  }
  return asked
}
