/**
 * Which refusals get a line in the access log: a few of each app and code in each second, and then how many more there
 * were. Whoever floods a router must not flood its log, nor hide others in it.
 */
export type Sampled = { log: boolean; leftOut: number }

type Group = { second: number; logged: number; leftOut: number }

/** An app and a code that nobody heard of for the last time; beyond so many, the rest is one group. */
const MAX_GROUPS = 2_000

export class RefusalSampler {
  #groups = new Map<string, Group>()
  #perSecond: number

  /** @param perSecond lines of one app and code */
  constructor(perSecond = 5) {
    this.#perSecond = perSecond
  }

  /**
   * @param app its id, or what stands for no app
   * @param now ms of a clock that does not go back
   * @returns whether to log this one, and how many were left out since the line before
   */
  take(app: string, code: string, now: number): Sampled {
    const group = this.#group(`${app} ${code}`)
    const second = Math.floor(now / 1000)
    if (group.second !== second) {
      group.second = second
      group.logged = 0
    }
    if (group.logged >= this.#perSecond) {
      group.leftOut += 1
      return { log: false, leftOut: 0 }
    }
    group.logged += 1
    const { leftOut } = group
    group.leftOut = 0
    return { log: true, leftOut }
  }

  /** What was left out and is not told yet, of groups that have fallen silent; they are forgotten with it. */
  silent(now: number): { app: string; code: string; leftOut: number }[] {
    const told: { app: string; code: string; leftOut: number }[] = []
    for (const [key, { second, leftOut }] of this.#groups) {
      if (Math.floor(now / 1000) - second < 2) continue
      this.#groups.delete(key)
      const [app = '', code = ''] = key.split(' ')
      if (leftOut > 0) told.push({ app, code, leftOut })
    }
    return told
  }

  #group(wanted: string): Group {
    const known = this.#groups.get(wanted)
    if (known) return known
    const key = this.#groups.size >= MAX_GROUPS ? 'others others' : wanted
    const group = this.#groups.get(key) ?? { second: -1, logged: 0, leftOut: 0 }
    this.#groups.set(key, group)
    return group
  }
}
