/** ◆ What somebody asks for over SSH: git's two services on one repository, and nothing else that a shell could do. */
import type { Service } from '../git/service.ts'

export type Asked = { service: Service; app: string }

/**
 * Git's client sends `git-receive-pack '/APP.git'` (git-push(1), connect.c): its own quoting, of which a name needs only the marks.
 * @returns null for everything else
 */
export function parseCommand(command: string): Asked | null {
  const match = /^git[ -](upload-pack|receive-pack) '\/?([a-z0-9-]{1,63})\.git\/?'$/.exec(command)
  const [, verb, app] = match ?? []
  return verb === undefined || app === undefined ? null : { service: `git-${verb}` as Service, app }
}
