import type { Operations } from '#core/contract/operations/index.ts'

export type Names = Record<string, string>
type Json = Record<string, unknown>
/** What an answer holds, as far as a visit looks at it. */
export type Seen = {
  id: string
  name: string
  code: string
  secret: string
  recoveryCodes: string[]
  deploy: { id: string }
  sessions: { id: string; current: boolean }[]
}

/** Who calls: by the operator's token, or somebody by the cookies of a browser of theirs; `nobody` has none. */
export type Who = 'operator' | 'nobody' | 'bob' | 'bobElsewhere' | 'cy'

export type Visit = {
  route: keyof Operations
  /** By the operator's token, if it is left out. */
  as?: Who
  /** Instead of what the names say. */
  names?: Names
  query?: string
  /** What of the answer is asked for, where there is a choice. */
  accept?: string
  body?: Json | ((names: Names) => Json)
  /** For a body that is not JSON: a file of the world. */
  file?: 'source' | 'slug' | 'downloaded'
  /** What of the answer later visits name. */
  keep?: (seen: Seen) => Names
  /** What happens outside of the API before the call. */
  before?: 'stackBuilt' | 'deploysWait' | 'deploysGoLive'
}
