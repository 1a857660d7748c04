/** Whether something is there. */
import { stat } from 'node:fs/promises'

/** Links are followed. What cannot be looked at is not there. */
export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
