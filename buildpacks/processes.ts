/** The app's processes: those of its Procfile over those that a buildpack finds by itself. */
import { messageOf } from '#core/domain/errors.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import { isCommand, parseProcfile, type Procfile } from '#core/domain/procfile.ts'
import { invalidFile, type AppFolder } from './contract.ts'
import { KIB } from './folder.ts'

const WEB = 'web' as ProcessType

/**
 * @returns the Procfile's processes; null when there is no Procfile
 * @throws BuildFailure naming the line that is wrong
 */
export async function readProcfile(app: AppFolder): Promise<Procfile | null> {
  const text = await app.read('Procfile', 64 * KIB)
  if (text === null) return null
  try {
    return parseProcfile(text)
  } catch (error) {
    throw invalidFile(`${messageOf(error)}. Correct the Procfile and push again.`, error)
  }
}

/** Whether the Procfile leaves open what the app is to run: `release` is a task before the start, not a process. */
export const isOpen = (procfile: Procfile | null): boolean =>
  Object.keys(procfile ?? {}).every((type) => type === 'release')

/**
 * The Procfile wins, type by type.
 * @param web the buildpack's own command for web
 */
export function withDefaultWeb(procfile: Procfile | null, web: string): Procfile {
  if (!isCommand(web))
    throw invalidFile(
      `The command for web, ${JSON.stringify(web.slice(0, 200))}, must be one line of at most 4096 printable characters.`,
    )
  return { [WEB]: web, ...procfile }
}
