/** What a build leaves on its host, to be removed when there is time: its processes are dead. */
import { type Workspace, closeWorkspace } from './workspace.ts'

export type Leftovers = {
  workspace: Workspace | null
  /** Of its sandboxes. They do not throw. */
  removals: (() => Promise<void>)[]
}

export const noLeftovers = (): Leftovers => ({ workspace: null, removals: [] })

export async function removeLeftovers({ workspace, removals }: Leftovers): Promise<void> {
  await Promise.all(removals.map((removal) => removal()))
  if (workspace) await closeWorkspace(workspace)
}
