/** What a probe's answer and an instance's end mean. */
import type { HealthCheck } from '#core/domain/health-check.ts'
import type { ReasonCode } from '#core/domain/instance.ts'
import type { DiskUse } from '../sandbox/filesystem.ts'

export type ProbeAnswer =
  /** With the first bytes of the body, where the status says no. */
  | { kind: 'answered'; status: number; body: string }
  /** A connection, where nothing more is asked for. */
  | { kind: 'accepted' }
  | { kind: 'refused' }
  | { kind: 'silent' }
  | { kind: 'broken'; why: string }

/** Any answer below 500 shows that the app's own code handles requests; redirects and 401 are an app's good right. */
export const isReady = (answer: ProbeAnswer): boolean =>
  answer.kind === 'accepted' || (answer.kind === 'answered' && answer.status < 500)

/** `detail` is the sentence with the last output quoted. */
export type Diagnosis = { reason: ReasonCode; detail: string; sentence: string }

/** @param lastOutput quoted where it may show the cause; null where the cause is known without */
const diagnosis = (reason: ReasonCode, sentence: string, lastOutput: string[] | null): Diagnosis => ({
  reason,
  sentence,
  detail: lastOutput === null ? sentence : sentence + quoted(lastOutput),
})

/** An instance that could not even be started. */
export const diagnoseStart = (cause: string): Diagnosis =>
  diagnosis('startFailed', `could not be started: ${cause}`, null)

export type Ending = {
  exitCode: number
  oomKills: number
  /** null: not known. */
  disk: DiskUse | null
  wasReady: boolean
  memoryMb: number
  lastOutput: string[]
}

/** Less than this is left to a disk that counts as full: the file system keeps some blocks to itself. */
const FULL_BYTES = 1024 * 1024
const FULL_INODES = 8

/** Why an instance ended, as a code and a sentence that says what to do. */
export function diagnoseExit({ exitCode, oomKills, disk, wasReady, memoryMb, lastOutput }: Ending): Diagnosis {
  if (oomKills > 0) {
    const sentence = `was killed: it needed more than its ${memoryMb} MB of memory. Give it more (berth ps:resize --memory), or make it use less.`
    return diagnosis('outOfMemory', sentence, null)
  }
  const how =
    exitCode > 128 && exitCode < 255 ? `was ended by signal ${exitCode - 128}` : `exited with code ${exitCode}`
  const when = wasReady ? '' : ' before it was ready'
  const full = disk && describeFull(disk)
  if (full && exitCode !== 0) return diagnosis('diskFull', `${how}${when}; ${full}.`, lastOutput)
  return diagnosis('exited', `${how}${when}${commandHint(exitCode, lastOutput)}.`, lastOutput)
}

/** What a shell means by its own exit codes (POSIX, Shell Command Language, §2.8.2). */
function commandHint(exitCode: number, lastOutput: string[]): string {
  const said = lastOutput.join('\n')
  if (exitCode === 126 && /Exec format error/i.test(said))
    return ': its program is for another kind of machine (Exec format error), compile it for Linux on this host’s architecture'
  if (exitCode === 126 && /Permission denied/i.test(said))
    return ': its program is not executable, commit it with its executable bit (git update-index --chmod=+x FILE)'
  return exitCode === 127 ? ': its command names a program that is not there' : ''
}

export type RunEnding = Omit<Ending, 'exitCode' | 'wasReady'> & {
  exitCode: number | null
  /** Why the platform ended it; null: it ended by itself. */
  because: 'timedOut' | 'clientGone' | 'stopped' | 'lost' | null
  timeoutMs: number
}

/** Why a one-off run ended; the sentence goes on after its name. */
export function diagnoseRun({
  exitCode,
  because,
  oomKills,
  disk,
  memoryMb,
  timeoutMs,
  lastOutput,
}: RunEnding): Diagnosis {
  if (oomKills > 0)
    return diagnosis('outOfMemory', `was killed: it needed more than its ${memoryMb} MB of memory.`, null)
  if (because !== null) return diagnosis(because, endings[because](timeoutMs), null)
  if (exitCode === 0) return diagnosis('completed', 'ended with exit code 0.', null)
  const how = `exited with code ${exitCode}`
  const full = disk && describeFull(disk)
  return full ? diagnosis('diskFull', `${how}; ${full}.`, lastOutput) : diagnosis('exited', `${how}.`, null)
}

const endings: Record<NonNullable<RunEnding['because']>, (timeoutMs: number) => string> = {
  timedOut: (timeoutMs) => `was ended: it ran longer than its limit of ${timeoutMs / 1000} s.`,
  clientGone: () => 'was ended: nobody was attached to it any more.',
  stopped: () => 'was stopped, as it was told.',
  lost: () => 'was ended, or never begun: its host’s agent was restarted meanwhile.',
}

function describeFull({ usedBytes, limitBytes, usedInodes, limitInodes }: DiskUse): string | null {
  if (limitBytes - usedBytes < FULL_BYTES)
    return `it had filled its ${Math.round(limitBytes / 1024 / 1024)} MB of disk (/app and /tmp)`
  return limitInodes - usedInodes < FULL_INODES ? `it had made all of its ${limitInodes} files (/app and /tmp)` : null
}

export type Silence = {
  check: HealthCheck
  port: number
  listening: number[]
  last: ProbeAnswer
  lastOutput: string[]
}

/** Why an instance that still runs never became ready. */
export function diagnoseSilence({ check, port, listening, last, lastOutput }: Silence): Diagnosis {
  const seconds = Math.round(check.startTimeoutMs / 1000)
  if (last.kind === 'answered') {
    const said = excerptOf(last.body)
    const sentence = `answered GET ${check.path} with status ${last.status} for ${seconds} s; anything below 500 would have made it ready.${said === '' ? '' : ` It said: ${said}`}`
    return diagnosis('probeFailed', sentence, lastOutput)
  }
  if (listening.includes(port)) {
    const sentence = `listens on $PORT (${port}), but ${whyNot(check, last)} for ${seconds} s.`
    return diagnosis('probeFailed', sentence, lastOutput)
  }
  if (listening.length > 0) {
    const sentence = `listens on port ${listening.join(', ')} instead of $PORT (${port}). Read the port from the environment variable PORT.`
    return diagnosis('wrongPort', sentence, null)
  }
  return diagnosis('neverListened', `did not listen on $PORT (${port}) within ${seconds} s.`, lastOutput)
}

function whyNot({ kind, path }: HealthCheck, last: ProbeAnswer): string {
  if (last.kind === 'broken') return `its answer was not HTTP (${last.why})`
  const what = kind === 'tcp' ? 'accept a connection' : `answer GET ${path}`
  return last.kind === 'refused'
    ? `it did not ${what} (does it listen on 127.0.0.1 only? listen on 0.0.0.0)`
    : `it did not ${what}`
}

const MAX_EXCERPT = 200

/** What a tenant's program answered, as part of a sentence: one line, and nothing that could drive a terminal. */
const excerptOf = (body: string): string =>
  body
    .replace(/[\p{Cc}\p{Bidi_Control}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_EXCERPT)

const MAX_QUOTE = 400

function quoted(lines: string[]): string {
  const text = lines.join(' | ').slice(-MAX_QUOTE)
  return text === '' ? ' It wrote nothing.' : ` Its last output: ${text}`
}
