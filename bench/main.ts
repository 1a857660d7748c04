/** `npm run bench [-- NAME …]`: measures, and prints tables of medians and ratios. See docs/PERFORMANCE.md. */
import { cpus, totalmem } from 'node:os'
import { cycles } from './cycles.ts'
import { density } from './density.ts'
import { deploy } from './deploy.ts'
import { fuzz } from './fuzz.ts'
import { overhead } from './overhead.ts'
import { router } from './router.ts'
import { start } from './start.ts'

const benches: Record<string, () => Promise<void>> = { start, overhead, density, deploy, router, cycles, fuzz }

/** No benchmark, and minutes long. */
const onlyWhenAsked = new Set(['fuzz'])

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in benches))
if (unknown.length > 0) {
  process.stderr.write(`There is no benchmark ${unknown.join(', ')}. There are: ${Object.keys(benches).join(', ')}.\n`)
  process.exit(2)
}
console.log(
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.version}`,
)
for (const [name, bench] of Object.entries(benches)) {
  if (asked.length > 0 ? !asked.includes(name) : onlyWhenAsked.has(name)) continue
  console.log(`\n── ${name}`)
  await bench()
}
process.exit(0)
