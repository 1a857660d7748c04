/** Follows a deploy to its end: what config:set, rollback and deploys:log show. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { DeployAccepted, DeployView } from '#core/contract/api.ts'
import type { Client } from './client.ts'
import type { Context, Options } from './context.ts'
import { CliError, exitCodes, failed, unreachable } from './failures.ts'

const MAX_TRIES = 10
const PAUSE_MS = 1000

/**
 * Shows the log of a deploy that was accepted and how it ended; with `--no-wait` it only says where to look.
 * Interrupted, it says that the deploy goes on. With `--json` the log goes to stderr and the API's object to stdout.
 * @throws exit code 1 when the deploy failed
 */
export async function showDeploy(
  { out }: Context,
  client: Client,
  app: string,
  accepted: DeployAccepted,
  options: Options,
): Promise<void> {
  const { id } = accepted.deploy
  if (options.wait === false) {
    if (options.json) return out.json(accepted)
    return out.line(`Deploy ${id} is under way. Follow it with: berth deploys:log ${id} -a ${app}`)
  }
  const progress = out.progress()
  const show = options.json ? out.note : out.line
  const onLine = (line: string) => {
    show(line)
    const phase = phaseIn(line)
    if (phase !== null && out.isLively) progress.say(phase)
  }
  const leave = () => {
    progress.end()
    out.note(`The deploy goes on. To see it again: berth deploys:log ${id} -a ${app}`)
    // As if nobody had listened: a shell sees that it was interrupted.
    process.kill(process.pid, 'SIGINT')
  }
  process.once('SIGINT', leave)
  const deploy = await followDeploy(client, app, id, onLine).finally(() => {
    process.off('SIGINT', leave)
    progress.end()
  })
  if (options.json) out.json({ deploy } satisfies DeployAccepted)
  else if (deploy.state === 'succeeded')
    out.line(`${app} runs ${deploy.release === null ? 'it' : `v${deploy.release}`}.`)
  failIfFailed(deploy)
}

/** `-----> Installing dependencies` opens a phase of a build. */
const phaseIn = (line: string): string | null => /^-----> (.+)$/.exec(line)?.[1] ?? null

/**
 * Hands each line to `onLine`, and returns the deploy when it is over. A connection that breaks off, as it does when
 * the controller restarts, is taken up again where it was: the log is sent from its beginning, and the lines that were
 * already shown are skipped.
 */
export async function followDeploy(
  client: Client,
  app: string,
  id: string,
  onLine: (line: string) => void,
): Promise<DeployView> {
  let shown = 0
  for (let tries = 1; ; tries += 1) {
    let seen = 0
    try {
      for await (const entry of client.stream('/apps/:app/deploys/:deploy/log', { app, deploy: id })) {
        if ('end' in entry) return entry.end
        seen += 1
        if (seen <= shown) continue
        shown = seen
        tries = 1
        onLine(entry.line.replace(/\r$/, ''))
      }
    } catch (error) {
      const mayReturn = error instanceof CliError && error.exitCode === exitCodes.unreachable
      // A first call that fails is not a stream that broke off: say so at once.
      if (!mayReturn || (shown === 0 && tries === 1) || tries === MAX_TRIES) throw error
    }
    if (tries === MAX_TRIES)
      throw unreachable(client.apiUrl, `the log broke off; see the rest with: berth deploys:log ${id} -a ${app}`)
    await sleep(PAUSE_MS)
  }
}

/** @throws exit code 1, with the platform's reason */
export function failIfFailed(deploy: DeployView): void {
  if (deploy.state === 'cancelled')
    throw failed(`The deploy was cancelled: ${deploy.error ?? ''} (deploy ${deploy.id})`)
  if (deploy.state === 'failed')
    throw failed(`The deploy failed: ${deploy.error ?? 'no reason was given'} (deploy ${deploy.id})`)
}
