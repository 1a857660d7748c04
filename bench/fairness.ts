/**
 * What a tenant feels of another one's excess. One router on CPU 0; the victim's clients, the upstream and the attackers share
 * CPU 1, where the attackers have the lowest priority. A control, the same attack on an nginx that serves nobody else, says how much of
 * the effect is the machine's and none of the router's.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'
import { run } from '#core/runtime/process.ts'
import type { Options } from './options.ts'
import { anApp, startBerth } from './proxies/berth.ts'
import type { Steady } from './proxies/clients.ts'
import { UPSTREAM_CPU } from './proxies/pinned.ts'
import { startPeer } from './proxies/peers.ts'
import { startUpstream, UPSTREAM_PORT } from './proxies/upstream.ts'
import { median, printTable } from './table.ts'

const VICTIM_PER_SECOND = 400
const NOISY_PER_SECOND = 200
/** The router needs descriptors of its own, and for the apps. */
const SPARE_DESCRIPTORS = 2_000
const LOWEST = 19
const CALM_MS = 20
const CALM_TRIES = 20

type Attack = { name: string; kind: 'flood' | 'reconnect' | 'hold' | 'drip'; number: number }

const RECONNECTS_PER_SECOND = 1_000

export async function fairness(options: Options): Promise<void> {
  const sockets = Math.min(20_000, (await openFiles()) - SPARE_DESCRIPTORS)
  const attacks: Attack[] = [
    { name: `20 × its rate (${20 * NOISY_PER_SECOND} requests/s)`, kind: 'flood', number: 20 * NOISY_PER_SECOND },
    { name: `${RECONNECTS_PER_SECOND} new connections/s`, kind: 'reconnect', number: RECONNECTS_PER_SECOND },
    { name: `${sockets} idle connections`, kind: 'hold', number: sockets },
    { name: '1,000 slow heads and bodies (1 byte/s)', kind: 'drip', number: 1000 },
  ]
  const folder = await mkdtemp(join(tmpdir(), 'berth-fairness-'))
  const upstream = await startUpstream(folder)
  const control = await startPeer('nginx', { folder })
  const berth = await startBerth()
  try {
    const noisy = { requests: { perSecond: NOISY_PER_SECOND, burst: NOISY_PER_SECOND }, connections: sockets }
    await berth.route([anApp('victim', UPSTREAM_PORT), anApp('noisy', UPSTREAM_PORT)], { 't-noisy': noisy })
    await measureVictim(berth.port, 2)
    const rows: (string | number)[][] = []
    for (const attack of attacks) rows.push(await compare(attack, berth.port, control.port, options))
    console.log(`\nA victim at ${VICTIM_PER_SECOND} requests/s. Target: its p99 moves by at most 20 %`)
    printTable(
      ['another tenant sends', 'p99 alone, ms', 'p99 meanwhile', 'ratio', 'ratio of the control', 'failed'],
      rows,
    )
    if (sockets < 20_000)
      console.log(`Not 20,000 connections, because a process here may open ${sockets + SPARE_DESCRIPTORS} files.`)
  } finally {
    await berth.stop()
    await control.stop()
    await upstream.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** In each round: alone, with the attack, alone, with the attack aimed elsewhere. */
async function compare(
  attack: Attack,
  port: number,
  elsewhere: number,
  { rounds, seconds }: Options,
): Promise<(string | number)[]> {
  const alone: number[] = []
  const meanwhile: number[] = []
  const ratios: number[] = []
  const controls: number[] = []
  let failed = 0
  for (let round = 0; round < rounds; round++) {
    const quiet = await measureVictim(port, seconds)
    const noisy = await under(attack, port, port, seconds)
    const quietAgain = await measureVictim(port, seconds)
    const control = await under(attack, elsewhere, port, seconds)
    alone.push(quiet.p99)
    meanwhile.push(noisy.p99)
    ratios.push(noisy.p99 / quiet.p99)
    controls.push(control.p99 / quietAgain.p99)
    failed += quiet.failed + noisy.failed
  }
  const text = (values: number[], digits: number) => median(values).toFixed(digits)
  return [attack.name, text(alone, 2), text(meanwhile, 2), text(ratios, 2), text(controls, 2), failed]
}

/** @param port where the attack is aimed */
async function under({ kind, number }: Attack, port: number, victimPort: number, seconds: number): Promise<Steady> {
  const attacker = await startClients(kind, port, 'noisy.localhost', number)
  setPriority(attacker.pid ?? 0, LOWEST)
  try {
    return await measureVictim(victimPort, seconds)
  } finally {
    const exited = once(attacker, 'exit')
    attacker.kill('SIGTERM')
    await exited
    await untilCalm(victimPort)
  }
}

/** What an attack left behind is not the next measurement's. */
async function untilCalm(port: number): Promise<void> {
  for (let tries = 0; tries < CALM_TRIES; tries++) {
    await sleep(500)
    if ((await measureVictim(port, 1)).p50 < CALM_MS) return
  }
}

async function measureVictim(port: number, seconds: number): Promise<Steady> {
  const clients = await startClients('steady', port, 'victim.localhost', VICTIM_PER_SECOND)
  await sleep(seconds * 1000)
  clients.send('enough')
  const [said] = (await once(clients, 'message')) as [Steady]
  return said
}

async function startClients(kind: string, port: number, host: string, number: number): Promise<ChildProcess> {
  const program = join(import.meta.dirname, 'proxies/clients.ts')
  const child = fork(program, [kind, String(port), host, String(number)])
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  const ended = once(child, 'exit').then(() => process.off('exit', killWithUs))
  await run(['taskset', '-a', '-p', '-c', String(UPSTREAM_CPU), String(child.pid)])
  const up = await Promise.race([once(child, 'message').then(() => true), ended.then(() => false)])
  if (!up) throw new Error(`the ${kind} clients did not start`)
  return child
}

async function openFiles(): Promise<number> {
  return Number(/^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1])
}
