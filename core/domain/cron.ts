import type { InstanceId } from './ids.ts'

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

/** A tick, ms since 1970, and the run that is, or was, made for it. */
export type CronRun = { tick: number; run: InstanceId }

/** One that is to be made: since when. */
export type DueRun = CronRun & { at: number }

/** Why a tick was not run. `away`: no controller was there in time. `overlap`: the run before was still under way. */
export type MissedWhy = 'away' | 'paused' | 'suspended' | 'quota' | 'overlap'

/** Ticks one after the other that were not run, for one reason. */
export type Missed = { why: MissedWhy; detail: string; first: number; last: number; count: number }

/** How far a job's clock is. Only the controller that leads writes it. */
export type CronStanding = {
  /** As it was when this was written: with another schedule the count begins anew. */
  schedule: string
  /** All ticks until here are dealt with, ms since 1970. */
  handled: number
  /** The tick after that, which is to be run. Written before its run is made, so that it is never run twice. */
  due: DueRun | null
  last: CronRun | null
  /** The last ticks that were not run. */
  missed: Missed | null
}

/** A job that its app's owner has stopped for a while. */
export type CronPause = { at: number; by: string }
