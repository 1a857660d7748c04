/** Which app a command is about: what was asked for by name, else what the environment or the repository's git remotes say. */
import { isId } from '#core/domain/ids.ts'
import { usage } from './failures.ts'

/** Names and URLs of a repository's remotes. */
export type Remotes = Record<string, string>
export type Asked = {
  app?: string | undefined
  remote?: string | undefined
  /** What BERTH_APP says. */
  environment?: string | undefined
}

export const DEFAULT_REMOTE = 'berth'

/**
 * `--app`, else the remote of `--remote`, else BERTH_APP, else the remote `berth`, else the only remote that points to this API.
 * @throws a usage error that says how to choose
 */
export function chooseApp(asked: Asked, remotes: Remotes, apiUrl: string): string {
  if (asked.app !== undefined) return parseName(asked.app)
  if (asked.remote !== undefined) return appOfNamedRemote(asked.remote, remotes)
  if (asked.environment !== undefined) return parseName(asked.environment, 'BERTH_APP: ')
  if (remotes[DEFAULT_REMOTE] !== undefined) return appOfNamedRemote(DEFAULT_REMOTE, remotes)
  const apps = new Set<string>()
  for (const url of Object.values(remotes)) {
    const found = appOfRemote(url)
    if (found !== null && isAt(found, apiUrl)) apps.add(found.app)
  }
  const [only] = apps
  if (only === undefined)
    throw usage('No app was named. Add -a APP, set BERTH_APP, or run `berth git:remote -a APP` in its repository.')
  if (apps.size > 1)
    throw usage(`The remotes of this repository name several apps: ${[...apps].join(', ')}. Add -a APP.`)
  return only
}

/** An SSH address has the API's host and a port of its own. */
const isAt = ({ apiUrl, hostname }: RemoteApp, wanted: string): boolean =>
  apiUrl === null ? hostname === new URL(wanted).hostname : apiUrl === wanted

type RemoteApp = { apiUrl: string | null; hostname: string; app: string }

/** Takes `https://host/git/APP.git` or `ssh://git@host:port/APP.git` apart, or returns null for any other URL. */
export function appOfRemote(url: string): RemoteApp | null {
  const [, hostname = '', name = ''] = /^ssh:\/\/git@([^:/@]+|\[[^\]]+\]):\d+\/([^/]+)\.git\/?$/.exec(url) ?? []
  if (isId(name)) return { apiUrl: null, hostname, app: name }
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) return null
  const { origin, pathname, hostname: host } = new URL(url)
  const match = /^(.*)\/git\/([^/]+)\.git\/?$/.exec(pathname)
  return match !== null && isId(match[2] ?? '')
    ? { apiUrl: origin + match[1], hostname: host, app: match[2] ?? '' }
    : null
}

function appOfNamedRemote(name: string, remotes: Remotes): string {
  const url = remotes[name]
  if (url === undefined)
    throw usage(`There is no git remote "${name}" here. Add -a APP, or run \`berth git:remote -a APP\`.`)
  const found = appOfRemote(url)
  if (found === null) throw usage(`The git remote "${name}" is ${url}, which is not an app of Berth. Add -a APP.`)
  return found.app
}

function parseName(text: string, from = ''): string {
  if (!isId(text))
    throw usage(`${from}"${text}" cannot be an app's name: it has lower-case letters, digits and single dashes.`)
  return text
}
