/** `node scripts/answers.ts URL`: does a part of Berth answer there? For health checks of supervisors such as Compose. */
import { messageOf } from '#core/domain/errors.ts'

const TIMEOUT_MS = 3_000
const url = process.argv[2] ?? ''

try {
  // The router says 404 for a host name that it does not know, so any answer but a failure of its own will do.
  const { status } = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (status >= 500) fail(`${url} answered ${status}`)
} catch (error) {
  fail(`${url} does not answer: ${messageOf(error)}`)
}

function fail(line: string): never {
  process.stderr.write(`${line}\n`)
  process.exit(1)
}
