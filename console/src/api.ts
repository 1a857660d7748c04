/** Reads the API on the page's own origin. */
import type { AppView, HostView, InstanceView, Problem, WhoamiView } from '../../core/contract/api.ts'

/** All that one poll learns. Hosts are for operators alone; others get null. */
export type Snapshot = { at: number; hosts: HostView[] | null; apps: AppView[]; instances: InstanceView[] }

/** The API's no, or the network's: `message` is a sentence for the person. */
export class ApiError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
  }
}

export const whoami = (token: string, signal?: AbortSignal) => get<WhoamiView>('/v1/whoami', token, signal)

/** @throws ApiError */
export async function readSnapshot(token: string, operator: boolean, signal: AbortSignal): Promise<Snapshot> {
  const [hosts, { apps }] = await Promise.all([
    operator ? get<{ hosts: HostView[] }>('/v1/hosts', token, signal) : null,
    get<{ apps: AppView[] }>('/v1/apps', token, signal),
  ])
  const paths = operator ? ['/v1/instances'] : apps.map(({ name }) => `/v1/apps/${encodeURIComponent(name)}/instances`)
  const lists = await Promise.all(paths.map((path) => get<{ instances: InstanceView[] }>(path, token, signal)))
  return { at: Date.now(), hosts: hosts?.hosts ?? null, apps, instances: lists.flatMap(({ instances }) => instances) }
}

async function get<T>(path: string, token: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(path, {
    headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
    cache: 'no-store',
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new ApiError(0, 'The API cannot be reached.')
  })
  const body: unknown = await response.json().catch(() => null)
  if (response.ok && body !== null) return body as T
  throw new ApiError(response.status, sentenceOf(body) ?? `The API answered with HTTP status ${response.status}.`)
}

function sentenceOf(body: unknown): string | null {
  const { detail, code, requestId } = (body ?? {}) as Partial<Problem>
  return typeof detail === 'string' ? `${detail} (${code}, request ${requestId})` : null
}
