import type { AppEvent } from '#core/domain/event.ts'

export const anEvent = (over: Partial<AppEvent> = {}): AppEvent => ({
  at: 1000,
  kind: 'started',
  process: 'web.1',
  instance: null,
  host: null,
  release: 1,
  actor: null,
  text: 'web.1 started',
  lastOutput: [],
  ...over,
})
