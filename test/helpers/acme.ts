/**
 * A certificate authority on loopback: pebble, Let's Encrypt's own test server, with a name server beside it by which all
 * names lead here. Both come with Debian's package pebble.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate, makeRoot } from './certificates.ts'
import { freePort, waitFor } from './world.ts'

export type TestAcme = {
  directory: string
  /** Vouches for the server itself: BERTH_ACME_CA. */
  caBundle: string
  /** The root of what it issues, as PEM. */
  root(): Promise<string>
  /** Where a DNS record is set, for a hook program. */
  dnsUrl: string
  stop(): Promise<void>
}

const START_MS = 30_000
export const EXTERNAL_ACCOUNT = {
  keyId: 'kid-1',
  hmacKey: 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W',
}

/**
 * @param httpPort where it looks for HTTP-01 answers, instead of port 80
 * @param needsAccount whether it takes only customers (external account binding)
 */
export async function startAcme(httpPort: number, needsAccount = false): Promise<TestAcme> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-acme-'))
  const [port, managementPort, dnsPort, dnsManagementPort] = await Promise.all([1, 2, 3, 4].map(() => freePort()))
  const authority = await makeRoot('Test of ACME servers')
  const server = await makeCertificate('localhost', { names: ['localhost'], by: authority })
  const path = (name: string) => join(folder, name)
  await writeFile(path('ca'), authority.cert)
  await writeFile(path('chain'), server.chain)
  await writeFile(path('key'), server.key)
  const settings = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: path('chain'),
    privateKey: path('key'),
    httpPort,
    tlsPort: 1,
    ocspResponderURL: '',
    externalAccountBindingRequired: needsAccount,
    ...(needsAccount ? { externalAccountMACKeys: { [EXTERNAL_ACCOUNT.keyId]: EXTERNAL_ACCOUNT.hmacKey } } : {}),
  }
  await writeFile(path('config'), JSON.stringify({ pebble: settings }))
  const names = start('pebble-challtestsrv', [
    ...['-dns01', `127.0.0.1:${dnsPort}`, '-management', `127.0.0.1:${dnsManagementPort}`],
    ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', ''],
  ])
  // A fifth of what it is sent it refuses as if the nonce were old, and it reuses no proof: what clients must bear.
  const pebble = start('pebble', ['-config', path('config'), '-strict', '-dnsserver', `127.0.0.1:${dnsPort}`], {
    PEBBLE_VA_NOSLEEP: '1',
    PEBBLE_WFE_NONCEREJECT: '20',
    PEBBLE_AUTHZREUSE: '0',
  })
  const get = (url: string) => fetchTls(url, authority.cert)
  const acme: TestAcme = {
    directory: `https://localhost:${port}/dir`,
    caBundle: path('ca'),
    dnsUrl: `http://127.0.0.1:${dnsManagementPort}`,
    root: () => get(`https://localhost:${managementPort}/roots/0`),
    async stop() {
      await Promise.all([pebble.stop(), names.stop()])
      await rm(folder, { recursive: true, force: true })
    },
  }
  try {
    await waitFor(
      async () =>
        (await get(acme.directory).then(Boolean, () => false)) &&
        (await fetch(acme.dnsUrl, { method: 'POST' }).then(Boolean, () => false)),
      { timeoutMs: START_MS, what: 'pebble', detail: () => pebble.said() + names.said() },
    )
  } catch (error) {
    await acme.stop()
    throw error
  }
  return acme
}

/**
 * A hook program as an operator would write it, for the name server above. It keeps a record of its calls.
 * @returns its path, in `folder`
 */
export async function writeHook(
  folder: string,
  { dnsUrl }: TestAcme,
): Promise<{ path: string; calls(): Promise<string[]> }> {
  const [path, log] = [join(folder, 'hook'), join(folder, 'hook.log')]
  const script = `#!${process.execPath}
const [verb, name, value] = process.argv.slice(2)
require('node:fs').appendFileSync(${JSON.stringify(log)}, verb + ' ' + name + '\\n')
const body = JSON.stringify({ host: name + '.', ...(verb === 'add' ? { value } : {}) })
fetch('${dnsUrl}/' + (verb === 'add' ? 'set' : 'clear') + '-txt', { method: 'POST', body }).then((answer) => {
  process.exitCode = answer.ok ? 0 : 1
})
`
  await writeFile(path, script, { mode: 0o755 })
  return { path, calls: async () => (await readFile(log, 'utf8').catch(() => '')).trim().split('\n') }
}

type Running = { stop(): Promise<void>; said(): string }

function start(program: string, args: string[], env: Record<string, string> = {}): Running {
  const child: ChildProcess = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000)))
  const exited = once(child, 'exit').catch((error: unknown) => (said += String(error)))
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  return {
    said: () => said,
    async stop() {
      process.off('exit', killWithUs)
      child.kill('SIGKILL')
      await exited
    },
  }
}

function fetchTls(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { ca }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve(text))
    })
      .on('error', reject)
      .end()
  })
}
