/** What `node agent/main.ts --doctor` answers, on stdout as JSON. */
export type Verdict = 'ok' | 'advice' | 'problem'

export type Finding = {
  /** What was looked at, in a few words. */
  check: string
  verdict: Verdict
  /** What is there. */
  found: string
  /** Why it matters. Empty where all is well. */
  why: string
  /** A command, or what to do where no command does it. Null where nothing is to be done. */
  remedy: string | null
}

export type Diagnosis = { host: string; findings: Finding[] }
