/** The controller's API on a free port, with a real Redis, real git and a temporary data folder; deploys are played by the test. */
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ApiContext } from '../../controller/api/context.ts'
import { AUTHORITY_FILE, loadAuthority } from '../../controller/agents/authority.ts'
import { createApi } from '../../controller/api/server.ts'
import { createAuditLog } from '../../controller/audit/log.ts'
import { bootstrap, prepareHome } from '../../controller/bootstrap.ts'
import { createLookUp } from '../../controller/domains.ts'
import { cancel } from '../../controller/deploy/cancel.ts'
import type { DeployRequest } from '../../controller/deploy/deploy.ts'
import { openRepositories } from '../../controller/git/repositories.ts'
import { createGitSlots } from '../../controller/git/slots.ts'
import { openSources } from '../../controller/git/sources.ts'
import { createIdentity } from '../../controller/identity/index.ts'
import { openLayers } from '../../controller/layers.ts'
import { openOutbound } from '../../controller/outbound/index.ts'
import { loadSealer, loadVault } from '../../controller/secrets.ts'
import { createTurns } from '../../controller/turns.ts'
import type { Job } from '#core/contract/jobs.ts'
import type { Wanted } from '#core/domain/certificate.ts'
import { makeId, type AppId, type DeployId, type HostId, type TenantId } from '#core/domain/ids.ts'
import { codeOf, type Deploy } from '#core/domain/release.ts'
import { readConfig } from '#core/runtime/config.ts'
import { silentLog } from '#core/runtime/log.ts'
import { makeSigningKey, publicHalf, readSigningKey } from '#core/runtime/signing.ts'
import { connectStore } from '#core/store/connection.ts'
import { appendDeployLog, createDeploy, saveDeploy } from '#core/store/deploys.ts'
import { createTenant, newTenant } from '#core/store/tenants.ts'
import { startListener, type TestAgent, type TestListener } from './agents.ts'
import { checkAnswer, routeOf } from './contract.ts'
import { memoryFolder } from './memory-folder.ts'
import { startRedis, type TestRedis } from './redis.ts'

export type TestApi = {
  url: string
  home: string
  redis: TestRedis
  context: ApiContext
  operator: string
  /** The agent of a host, which joins when it is asked for first. */
  agentOf(host: string): Promise<TestAgent>
  /** What the API asked of the deploys, in order. */
  submitted: DeployRequest[]
  cancelled: AppId[]
  wakes: number
  /** The hosts that want an automatic certificate, and how often the work on certificates was woken. */
  wanted: Wanted[]
  certificateWakes: number
  told: { host: HostId; job: Job }[]
  /** What happens to the next deploys; by default they stay queued. */
  play: (deploy: Deploy, request: DeployRequest) => Promise<void>
  /** The answer is held to what is declared of the operation. */
  call(
    token: string | null,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>
  /** A new tenant and a member's token. */
  member(tenant: string): Promise<string>
  stop(): Promise<void>
}

/** The body is whatever the JSON holds; a test says what it expects of it. */
export type Answer = { status: number; body: ReturnType<typeof JSON.parse>; headers: Headers }

type Given = {
  /** The most that a repository or an upload may take. */
  sourceBytes?: number
  /** Calls a minute, of one caller and of one stranger's address; left out: as many as a test likes. */
  apiRate?: number
  /** Passwords are hashed with as much work as on a real platform, where a test is about that. */
  realHashing?: boolean
  /** Further settings. */
  env?: Record<string, string>
}

/** The least that Argon2 takes: a hash is a hash, and each real one is 50 ms of a core. */
const LITTLE_WORK = { memory: 8, passes: 1, parallelism: 1 }

export async function startApi(given: Given = {}): Promise<TestApi> {
  const { sourceBytes = 64 * 1024 ** 2, apiRate = 0, realHashing = false, env = {} } = given
  const redis = await startRedis()
  const home = await memoryFolder('berth-api-')
  const stopping = new AbortController()
  const random = (bytes: number): Uint8Array => randomBytes(bytes)
  const now = () => Date.now()
  await prepareHome(home)
  const store = connectStore(redis.url)
  await bootstrap({ store, home, random, now })
  const tokenIn = async (name: string) => (await readFile(join(home, name), 'utf8')).trim()

  const config = readConfig({
    BERTH_HOME: home,
    BERTH_REDIS_URL: redis.url,
    BERTH_LOG_LEVEL: 'silent',
    BERTH_SOURCE_MB: String(sourceBytes / 1024 ** 2),
    BERTH_API_RATE: String(apiRate),
    BERTH_API_RATE_STRANGERS: String(apiRate),
    ...env,
  })
  let listener: Promise<TestListener> | null = null
  const agents = new Map<string, Promise<TestAgent>>()
  const api: TestApi = {
    url: '',
    home,
    redis,
    operator: await tokenIn('operator-token'),
    async agentOf(host) {
      listener ??= startListener(api.context)
      const known = agents.get(host) ?? listener.then((started) => started.agent(host))
      agents.set(host, known)
      return known
    },
    submitted: [],
    cancelled: [],
    wakes: 0,
    wanted: [],
    certificateWakes: 0,
    told: [],
    play: () => Promise.resolve(),
    context: {
      store,
      config,
      log: silentLog,
      audit: createAuditLog({ store, now }),
      sealer: await loadSealer(join(home, 'master-key')),
      // Tests are wrong more often than a minute allows.
      identity: createIdentity(
        { store, config, log: silentLog, random, now },
        { wrongTokensPerMinute: 100_000, ...(realHashing ? {} : { hashing: LITTLE_WORK }) },
      ),
      certificates: {
        vault: await loadVault(join(home, 'certificates-key')),
        hostsOf: (app) => Promise.resolve([`${app.name}.localhost`, `${app.name}.example.test`]),
        wanted: () => Promise.resolve(api.wanted),
        wake: () => void api.certificateWakes++,
      },
      authority: await loadAuthority(join(home, AUTHORITY_FILE), { random, now }),
      layers: await openLayers(join(home, 'layers')),
      repositories: await openRepositories(home, { maxBytes: sourceBytes, isSandboxed: true }, silentLog),
      gitSlots: createGitSlots(),
      ssh: () => ({ enabled: false, why: 'The test opens no door.' }),
      sources: openSources(join(home, 'sources'), sourceBytes),
      deploys: {
        async submit(request) {
          const deploy = aDeploy(request)
          await createDeploy(store, deploy)
          api.submitted.push(request)
          void api.play(deploy, request)
          return deploy
        },
        cancel: (deploy, by) => cancel({ store, log: silentLog, now }, deploy, by),
        cancelApp(id) {
          api.cancelled.push(id)
          return Promise.resolve()
        },
      },
      turns: createTurns(),
      wake: () => void api.wakes++,
      jobsKey: publicHalf(readSigningKey(makeSigningKey())),
      tell: (host, job) => void api.told.push({ host, job }),
      forgetJobs: () => Promise.resolve(),
      lookUp: createLookUp(['127.0.0.1:1']),
      outbound: await openOutbound(config),
      random,
      now,
      signal: stopping.signal,
    },
    async call(token, method, path, body, headers = {}) {
      const response = await fetch(api.url + path, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await bodyOf(response)
      const { status } = response
      const mediaType = (response.headers.get('content-type') ?? '').split(';')[0] ?? ''
      const route = routeOf(method, path)
      if (route !== null) checkAnswer(route, { status, mediaType, text })
      return { status, body: readBody(text), headers: response.headers }
    },
    async member(tenant) {
      await createTenant(store, newTenant(tenant as TenantId, 0))
      const { body } = await api.call(api.operator, 'POST', '/v1/tokens', {
        description: `member of ${tenant}`,
        tenant,
      })
      return (body as { token: string }).token
    },
    async stop() {
      stopping.abort()
      await (await listener)?.stop()
      await close(server)
      store.disconnect()
      await redis.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
  const server = createServer(createApi(api.context))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return api
}

/** Ends a deploy the way the deploy story does. */
export async function endDeploy(
  { context: { store } }: TestApi,
  deploy: Deploy,
  outcome: Partial<Deploy>,
  lines: string[] = [],
) {
  await appendDeployLog(store, deploy.id, lines)
  await saveDeploy(store, { ...deploy, endedAt: Date.now(), ...outcome })
}

const aDeploy = (request: DeployRequest): Deploy => ({
  id: request.id ?? (makeId('d', randomBytes(13)) as DeployId),
  appId: request.app.id,
  kind: request.kind,
  actor: request.actor,
  description: request.description,
  createdAt: Date.now(),
  state: 'queued',
  ...codeOf(request),
  source: request.source,
  fromRelease: request.fromRelease,
  config: request.config,
  release: null,
  buildHost: null,
  buildEpoch: 0,
  startedAt: null,
  phases: [],
  releaseRun: null,
  postdeployRun: null,
  error: null,
  endedAt: null,
})

/** What goes on without end is read to the end of its first event. */
async function bodyOf(response: Response): Promise<string> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return response.text()
  let text = ''
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    if (/^data: .*\n\n/m.test(text)) break
  }
  return text
}

function readBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
