/** A command that runs by the clock, each time in a sandbox of its own (docs/cron.md). */
export type CronJob = {
  /** What people call it; `[a-z0-9-]`, unique within the app. */
  name: string
  command: string
  /** Five fields as in crontab(5), or `@hourly`, `@daily`, `@weekly`, `@monthly`; in UTC. */
  schedule: string
  timeoutMs: number
  /** While the run before is still under way: leave this one out, run both, or end the one before. */
  overlap: 'skip' | 'allow' | 'replace'
}
