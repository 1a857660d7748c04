/** When the API knows no app of a name: which one was meant, perhaps. */
import type { Context } from './context.ts'
import { CliError } from './failures.ts'
import { didYouMean, nearest } from './nearest.ts'

/** A person waits for the error itself, so this hurries. */
const WITHIN_MS = 2_000

/** @returns ` Did you mean shop?`, or nothing */
export async function suggestApp(error: unknown, context: Pick<Context, 'client'>): Promise<string> {
  const name = error instanceof CliError && error.code === 'NOT_FOUND' ? appIn(error.message) : null
  if (name === null) return ''
  try {
    const client = await context.client()
    const { apps } = await client.get('/apps', {}, WITHIN_MS)
    return didYouMean(
      nearest(
        name,
        apps.map((app) => app.name),
      ),
    )
  } catch {
    // The error that is told already says what matters.
    return ''
  }
}

const appIn = (message: string): string | null => /There is no app "([^"\\]+)"/.exec(message)?.[1] ?? null
