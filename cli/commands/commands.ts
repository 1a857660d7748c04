/** commands: the whole table. */
import type { Run } from '../context.ts'
import { describe } from '../dispatch.ts'
import { listLines } from '../program.ts'

export const list: Run = ({ out, commands }, _args, options) => {
  const shown = commands.filter(({ hidden }) => !hidden)
  if (options.json) out.json({ commands: shown.map(describe) })
  else for (const line of listLines([...shown].sort(byName))) out.line(line.slice(2))
  return Promise.resolve()
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
