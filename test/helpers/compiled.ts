/** Where Node keeps what it made of the source, for processes that a test starts with an environment of their own. */
import { join, resolve } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

/** Each process of Berth's starts in a third of the time with it. */
export const compiledEnv = {
  NODE_COMPILE_CACHE: resolve(process.env['NODE_COMPILE_CACHE'] ?? join(ROOT, 'node_modules/.cache/compiled')),
}
