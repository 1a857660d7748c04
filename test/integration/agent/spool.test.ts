import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AppId, TenantId } from '#core/domain/ids.ts'
import { noUsage } from '#core/domain/usage.ts'
import { silentLog } from '#core/runtime/log.ts'
import type { UsageSample } from '#core/store/usage.ts'
import { openSpool } from '../../../agent/metering/spool.ts'

const MINUTE = 60_000
const aSample = (subject: number, minute: number, over: Partial<UsageSample> = {}): UsageSample => ({
  subject: `i-${subject}-1`,
  tenantId: 'acme' as TenantId,
  appId: 'a-one' as AppId,
  at: minute * MINUTE,
  usage: { ...noUsage, cpuSeconds: minute },
  ended: false,
  ...over,
})

describe('The spool', () => {
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-spool-'))))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const open = (maxBytes?: number) => openSpool(folder, silentLog, maxBytes)
  async function drained(spool = open(), now = 0): Promise<UsageSample[]> {
    const all: UsageSample[] = []
    await spool.drain((samples) => {
      all.push(...samples)
      return Promise.resolve()
    }, now)
    return all
  }

  it('gives back what it was given, in order, to whoever opens it next, and then is empty', async () => {
    open().append([aSample(1, 1), aSample(2, 1)])
    open().append([aSample(1, 2, { ended: true })])
    assert.deepEqual(await drained(), [aSample(1, 1), aSample(2, 1), aSample(1, 2, { ended: true })])
    assert.ok(open().isEmpty())
    assert.deepEqual(await drained(), [])
  })

  it('keeps what was not taken, and what comes while it is being delivered', async () => {
    const spool = open()
    spool.append([aSample(1, 1)])
    await assert.rejects(
      spool.drain(() => Promise.reject(new Error('away')), 0),
      /away/,
    )
    spool.append([aSample(1, 2)])
    const taken: UsageSample[] = []
    await spool.drain((samples) => {
      if (taken.length === 0) spool.append([aSample(1, 3)])
      taken.push(...samples)
      return Promise.resolve()
    }, 0)
    assert.deepEqual(taken, [aSample(1, 1), aSample(1, 2), aSample(1, 3)])
  })

  it('stays within its bound by telling time less finely, and loses no use', async () => {
    const spool = open(20_000)
    for (let minute = 0; minute < 600; minute += 30)
      spool.append(Array.from({ length: 30 }, (_, n) => [aSample(1, minute + n), aSample(2, minute + n)]).flat())
    spool.append([aSample(3, 600, { ended: true })])
    assert.ok(spool.bytes() <= 20_000, `${spool.bytes()} bytes`)
    const all = await drained(spool)
    for (const [subject, minute] of [
      [1, 599],
      [2, 599],
      [3, 600],
    ] as const)
      assert.deepEqual(all.findLast((sample) => sample.subject === `i-${subject}-1`)?.at, minute * MINUTE)
    const hours = new Set(all.map(({ at }) => Math.floor(at / MINUTE / 60)))
    assert.equal(hours.size, 11, 'of each hour, something is still known')
  })

  it('passes over a line that a power cut tore', async () => {
    open().append([aSample(1, 1)])
    appendFileSync(join(folder, 'waiting'), '["i-2-1","acme","a-o')
    open().append([aSample(1, 2)])
    assert.deepEqual(await drained(), [aSample(1, 1), aSample(1, 2)])
  })

  it('gives up samples of lives that the ledger may have forgotten', async () => {
    open().append([aSample(1, 0), aSample(1, 35 * 24 * 60)])
    assert.deepEqual(
      (await drained(open(), 36 * 24 * 60 * MINUTE)).map(({ at }) => at),
      [35 * 24 * 60 * MINUTE],
    )
  })
})
