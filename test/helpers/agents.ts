/** Agents as the controller sees them: joined by the same code that agents run, asking over the real listener. */
import { mkdtemp, rm } from 'node:fs/promises'
import type { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { WebSocket } from 'ws'
import { ask, connectionsBy } from '../../agent/identity/ask.ts'
import type { Credentials } from '../../agent/identity/file.ts'
import { makeKeys } from '../../agent/identity/keys.ts'
import { listenForAgents, type AgentListener, type AgentSessions } from '../../controller/agents/listener.ts'
import { join as joinHost, makeJoinToken } from '../../controller/agents/joining.ts'
import type { ApiContext } from '../../controller/api/context.ts'
import type { DeployId, HostId } from '#core/domain/ids.ts'
import { assignBuild, loadDeploy, saveDeploy } from '#core/store/deploys.ts'
import { createStack } from '#core/store/stacks.ts'

export type AgentAnswer = { status: number; body: ReturnType<typeof JSON.parse>; bytes: Buffer; headers: Headers }

export type TestAgent = {
  credentials: Credentials
  connections: Agent
  /** @param path like `/internal/…` */
  call(method: 'GET' | 'HEAD' | 'PUT' | 'POST', path: string, body?: Buffer | object): Promise<AgentAnswer>
  open(path: string): WebSocket
}

export type TestListener = AgentListener & {
  url: string
  /** A host that joins now: an earlier one of this name counts no more. */
  agent(host: string): Promise<TestAgent>
  /** Whoever has these, or nothing. */
  caller(given: Partial<Credentials>): TestAgent
}

const nobody: AgentSessions = {
  hostOfSession: () => null,
  admit: () => Promise.reject(new Error('there are no sessions in this test')),
}

export async function startListener(context: ApiContext, sessions: AgentSessions = nobody): Promise<TestListener> {
  const config = { ...context.config, internalPort: 0, internalAddress: '127.0.0.1' }
  const listener = await listenForAgents({ ...context, config, sessions, requestTimeoutMs: 60_000 })
  const url = `https://127.0.0.1:${listener.port}`
  const made = new Set<Agent>()

  function caller(given: Partial<Credentials>): TestAgent {
    const credentials = { key: '', certificate: '', ...given, authority: context.authority.certificate }
    const connections = connectionsBy({ authority: credentials.authority, ...given })
    made.add(connections)
    return {
      credentials,
      connections,
      async call(method, path, body) {
        const bytes = Buffer.isBuffer(body) ? body : body && Buffer.from(JSON.stringify(body))
        const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json'
        const asked = bytes
          ? {
              headers: { 'content-length': String(bytes.length), 'content-type': type },
              body: () => Readable.from([bytes]),
            }
          : {}
        const answer = await ask(connections, url + path, { method, ...asked }, AbortSignal.timeout(20_000))
        const got = Buffer.from(await answer.arrayBuffer())
        return { status: answer.status, headers: answer.headers, bytes: got, body: parsed(got) }
      },
      open: (path) =>
        new WebSocket(url.replace('https', 'wss') + path, { agent: connections, perMessageDeflate: false }),
    }
  }

  return {
    ...listener,
    url,
    caller,
    async agent(host) {
      const { token } = await makeJoinToken(context, host as HostId, 'a test')
      const { key, publicKey } = await makeKeys()
      const { answer } = await joinHost(context, { host: host as HostId, token, publicKey })
      return caller({ key, certificate: answer.certificate })
    },
    async stop() {
      for (const agent of made) agent.destroy()
      await listener.stop()
    },
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return null
  }
}

/** A folder of an agent's own, for one test. */
export async function withFolder<T>(act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-agent-'))
  try {
    return await act(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Has a host build something, whatever it is, so that it may ask for what builders need. */
export async function giveWork({ store }: Pick<ApiContext, 'store'>, host: string): Promise<void> {
  const order = {
    name: `debian-13-${host}`,
    base: null,
    fresh: true,
    host: host as HostId,
    actor: 'a test',
    createdAt: 1,
  }
  await createStack(store, order)
}

/** Has a host build a deploy. */
export async function giveBuild({ store }: Pick<ApiContext, 'store'>, host: string, id: string): Promise<void> {
  const deploy = await loadDeploy(store, id as DeployId)
  if (!deploy) throw new Error(`no deploy ${id}`)
  await saveDeploy(store, { ...deploy, state: 'building', buildHost: host })
  await assignBuild(store, host as HostId, deploy.id)
}
