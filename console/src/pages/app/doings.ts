/** What can be done with an app as a whole. */
import { useCallback } from 'react'
import type { AppView, DeployAccepted } from '../../../../core/contract/api.ts'
import { sentenceOf, useAction, type Action } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { say, sayFailed } from '../../ui/toasts.tsx'

export const pathOf = ({ name }: Pick<AppView, 'name'>): string => `/v1/apps/${part(name)}`

/** One that tells of its end by itself, because what was clicked has no place for it. */
export function useTold(work: () => Promise<unknown>, done: string): Action<[]> {
  return useAction(
    useCallback(async () => {
      try {
        await work()
        say(done)
      } catch (error) {
        sayFailed(sentenceOf(error))
      }
    }, [work, done]),
  )
}

export function useRestart(app: AppView): Action<[]> {
  const work = useCallback(() => call('POST', `${pathOf(app)}/restart`), [app])
  return useTold(work, `${app.name} restarts: each instance is replaced by a new one, without downtime.`)
}

export function usePause(app: AppView): { pause: Action<[]>; resume: Action<[]> } {
  const pause = useCallback(() => call('POST', `${pathOf(app)}/pause`), [app])
  const resume = useCallback(() => call('POST', `${pathOf(app)}/resume`), [app])
  return {
    pause: useTold(pause, `${app.name} is paused.`),
    resume: useTold(resume, `${app.name} is resumed.`),
  }
}

export async function rollBack(app: AppView, release: number): Promise<DeployAccepted> {
  const accepted = await call<DeployAccepted>('POST', `${pathOf(app)}/rollback`, { body: { release } })
  void refresh(pathOf(app))
  return accepted
}
