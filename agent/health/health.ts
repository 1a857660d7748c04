/** What a probe's answer and an instance's end mean. */
import type { ReasonCode } from '#core/domain/instance.ts'

export type ProbeAnswer =
  { kind: 'answered'; status: number } | { kind: 'refused' } | { kind: 'silent' } | { kind: 'broken'; why: string }

/** Any answer below 500 shows that the app's own code handles requests; redirects and 401 are an app's good right. */
export const isReady = (answer: ProbeAnswer): boolean => answer.kind === 'answered' && answer.status < 500

export type Diagnosis = { reason: ReasonCode; detail: string }

export type Ending = {
  exitCode: number
  oomKills: number
  wasReady: boolean
  memoryMb: number
  lastOutput: string[]
}

/** Why an instance ended, as a code and a sentence that says what to do. */
export function diagnoseExit({ exitCode, oomKills, wasReady, memoryMb, lastOutput }: Ending): Diagnosis {
  if (oomKills > 0) {
    return {
      reason: 'outOfMemory',
      detail: `was killed: it needed more than its ${memoryMb} MB of memory. Give it more (berth scale --memory), or make it use less.`,
    }
  }
  const how =
    exitCode > 128 && exitCode < 255 ? `was ended by signal ${exitCode - 128}` : `exited with code ${exitCode}`
  const when = wasReady ? '' : ' before it was ready'
  return { reason: 'exited', detail: `${how}${when}.${quoted(lastOutput)}` }
}

export type Silence = { port: number; listening: number[]; timeoutMs: number; last: ProbeAnswer; lastOutput: string[] }

/** Why an instance that still runs never became ready. */
export function diagnoseSilence({ port, listening, timeoutMs, last, lastOutput }: Silence): Diagnosis {
  const seconds = Math.round(timeoutMs / 1000)
  if (last.kind === 'answered') {
    return {
      reason: 'probeFailed',
      detail: `answered GET / with status ${last.status} for ${seconds} s; anything below 500 would have made it ready.${quoted(lastOutput)}`,
    }
  }
  if (listening.includes(port)) {
    const why =
      last.kind === 'broken'
        ? `its answer was not HTTP (${last.why})`
        : 'it did not answer GET / (does it listen on 127.0.0.1 only? listen on 0.0.0.0)'
    return {
      reason: 'probeFailed',
      detail: `listens on $PORT (${port}), but ${why} for ${seconds} s.${quoted(lastOutput)}`,
    }
  }
  if (listening.length > 0) {
    return {
      reason: 'wrongPort',
      detail: `listens on port ${listening.join(', ')} instead of $PORT (${port}). Read the port from the environment variable PORT.`,
    }
  }
  return {
    reason: 'neverListened',
    detail: `did not listen on $PORT (${port}) within ${seconds} s.${quoted(lastOutput)}`,
  }
}

const MAX_QUOTE = 400

function quoted(lines: string[]): string {
  const text = lines.join(' | ').slice(-MAX_QUOTE)
  return text === '' ? ' It wrote nothing.' : ` Its last output: ${text}`
}
