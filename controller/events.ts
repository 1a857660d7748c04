/** Events that the controller makes itself: what people and budgets did to an app as a whole. */
import type { AppEvent } from '#core/domain/event.ts'

export const eventOfApp = (kind: AppEvent['kind'], text: string, actor: string | null, at: number): AppEvent => ({
  at,
  kind,
  process: null,
  instance: null,
  host: null,
  release: null,
  actor,
  text,
  lastOutput: [],
})
