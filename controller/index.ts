/** The controller: the API with git, the deploys, and the reconciler. The only place where they are wired. */
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { addressInUse, unavailable } from '#core/domain/errors.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { publicHalf } from '#core/runtime/signing.ts'
import { loadApps } from '#core/store/apps.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { tenantUsage } from '#core/store/usage.ts'
import type { ApiContext } from './api/context.ts'
import { createApi } from './api/server.ts'
import { AUTHORITY_FILE, loadAuthority } from './agents/authority.ts'
import { listenForAgents } from './agents/listener.ts'
import { keepArchiving } from './audit/archive.ts'
import { createAuditLog } from './audit/log.ts'
import { bootstrap, prepareHome } from './bootstrap.ts'
import { startCertificates, type CertificateWork } from './certificates/loop.ts'
import type { CertificateContext } from './certificates/context.ts'
import { hostsOfApp, wantedOf } from './certificates/wanted.ts'
import { watchClocks } from './cron/loop.ts'
import { createDeploys } from './deploy/deploy.ts'
import { watchDrains } from './drains/loop.ts'
import { beginFallback } from './deploy/fallback.ts'
import { createLookUp, watchDomains } from './domains.ts'
import { openTelling } from './telling.ts'
import { codeOf } from './files.ts'
import { BODY_TIMEOUT_MS } from './git/http.ts'
import { openRepositories } from './git/repositories.ts'
import { createGitSlots } from './git/slots.ts'
import { openSources } from './git/sources.ts'
import { createIdentity } from './identity/index.ts'
import { watchLogLimits } from './logs/limits.ts'
import { watchBudgets } from './metering/budgets.ts'
import { openOutbound } from './outbound/index.ts'
import { loadJobsKey } from './orders.ts'
import { openQueues } from './queues.ts'
import { serveSessions } from './runs/sessions.ts'
import { startReconciler, type Reconciler } from './reconcile/loop.ts'
import { loadSealer, loadVault } from './secrets.ts'
import { keepSeries } from './series/sampler.ts'
import { keepCollecting } from './slugs/collect.ts'
import { openSlugStore } from './slugs/store.ts'
import { prepareSsh } from './ssh/server.ts'
import { createTurns } from './turns.ts'

/** A call to a Redis that is there but does not answer fails after this, like one to a Redis that is not there. */
const STORE_TIMEOUT_MS = 5_000
/** A push deletes its source when its deploy is over; what a controller that was killed left is swept. */
const SWEEP_EVERY_MS = 3600_000
const BEING_RECEIVED_MS = 600_000
/** What names and padding add to files, at most: a tar of one-byte files is a thousand times as long, and is refused. */
const ARCHIVE_OVERHEAD = 2

/** @throws FOLDER_NOT_USABLE, ADDRESS_IN_USE, UNAVAILABLE */
export async function start(
  config: Config,
  log: Log,
): Promise<{ port: number; agentsPort: number; stop(): Promise<void> }> {
  const { home } = config
  const random = (bytes: number): Uint8Array => randomBytes(bytes)
  const now = () => Date.now()
  const stopping = new AbortController()

  await prepareHome(home)
  const store = connectStore(config.redisUrl)
  store.options.commandTimeout = STORE_TIMEOUT_MS
  const jobsKey = await loadJobsKey(join(home, 'jobs-key'))
  const queues = openQueues(config.redisUrl, jobsKey)
  const closeStores = async () => {
    await queues.stop()
    store.disconnect()
  }
  try {
    const sealer = await loadSealer(join(home, 'master-key'))
    const vault = await loadVault(config.certificatesKeyFile)
    const authority = await loadAuthority(join(home, AUTHORITY_FILE), { random, now })
    const layers = await openSlugStore(join(home, 'layers'), config.slugStore, { log, signal: stopping.signal })
    const sourceBytes = config.sourceMb * 1024 * 1024
    const limits = { maxBytes: sourceBytes, isSandboxed: config.gitSandbox }
    const repositories = await openRepositories(home, limits, log)
    const sources = openSources(join(home, 'sources'), sourceBytes * ARCHIVE_OVERHEAD)
    await reach(store, config.redisUrl)
    await bootstrap({ store, home, random, now })

    let reconciler: Reconciler | null = null
    const wake = () => reconciler?.wake()
    const turns = createTurns()
    const deployContext = { store, config, log, queues, sealer, turns, random, now, wake }
    const deploys = createDeploys(deployContext)
    const lookUp = createLookUp(config.domainResolvers)
    const outbound = await openOutbound(config)
    let certificates: CertificateWork | null = null
    const wakeCertificates = () => certificates?.wake()
    const byDns = config.acme !== null && config.acme.dnsHook !== null
    const certificateContext: CertificateContext = {
      store,
      config,
      log,
      vault,
      random,
      now,
      hostsOf: (app) => Promise.resolve(hostsOfApp(app, config.domain)),
      wanted: async () => (await loadApps(store)).flatMap((app) => wantedOf(app, byDns)),
    }
    const telling = openTelling({
      store,
      config,
      log,
      sealer,
      outbound,
      random,
      now,
      wanted: certificateContext.wanted,
    })
    const { signal } = stopping
    const audit = createAuditLog({ store, now })
    const ssh = await prepareSsh({ config, store, log })
    const identity = createIdentity({ store, config, log, random, now })
    const apiContext: ApiContext = {
      store,
      config,
      log,
      audit,
      sealer,
      identity,
      certificates: { ...certificateContext, wake: wakeCertificates },
      authority,
      layers,
      repositories,
      gitSlots: createGitSlots(),
      ssh: ssh.view,
      sources,
      deploys,
      turns,
      wake,
      jobsKey: publicHalf(jobsKey),
      tell: (host, job) =>
        void queues.send(host, job).catch((error: unknown) => log.debug('job not queued', { host, error })),
      forgetJobs: (host) => queues.forget(host),
      lookUp,
      outbound,
      random,
      now,
      signal,
    }
    const server = createHttpServer(createApi(apiContext))
    const { tell } = apiContext
    const sessions = serveSessions(server, { store, identity, log, audit, now, wake, tell, random, signal })
    const port = await listen(server, config)
    const agents = await listenForAgents({ ...apiContext, sessions, requestTimeoutMs: BODY_TIMEOUT_MS })
    await ssh.open(apiContext)
    reconciler = startReconciler({
      store,
      config,
      log,
      queues,
      random,
      now,
      fallBack: (app, fallback) => beginFallback(deployContext, deploys, app, fallback),
      onLeader: () => deploys.resumeOpen(),
      whileLeading: async (held) => {
        await Promise.all([
          watchBudgets({ store, log, now, wake, usageOf: (...asked) => tenantUsage(store, ...asked) }, held),
          keepSeries({ store, log, now }, held),
          keepCollecting({ store, config, log, layers, now }, held),
          watchDrains({ store, log, sealer, outbound, now, chance: Math.random }, held),
          watchLogLimits({ store, log }, held),
          keepArchiving({ store, log, home, now }, held),
          watchClocks({ store, config, log, random, now, wake }, held),
          watchDomains({ store, log, now, wake, lookUp, certificates: { wake: wakeCertificates } }, held),
          telling.watch(held),
        ])
      },
    })
    certificates = startCertificates(certificateContext)
    void repeat(
      SWEEP_EVERY_MS,
      () => sources.sweep(store, now() - BEING_RECEIVED_MS),
      signal,
      (error) => log.warn('sources not swept', { error }),
    )
    log.info('controller started', { address: config.apiAddress, port, agents: agents.port, home })

    return {
      port,
      agentsPort: agents.port,
      async stop() {
        stopping.abort()
        await ssh.close()
        await Promise.all([close(server), agents.stop()])
        await certificates?.stop()
        await reconciler?.stop()
        telling.stop()
        await deploys.stop()
        await closeStores()
      },
    }
  } catch (error) {
    await closeStores()
    throw error
  }
}

async function reach(store: Store, url: string): Promise<void> {
  try {
    await store.ping()
  } catch (error) {
    throw unavailable(`The store (Redis at ${withoutPassword(url)})`, error)
  }
}

const withoutPassword = (url: string): string => url.replace(/\/\/[^@/]*@/, '//')

function createHttpServer(handler: Parameters<typeof createServer>[1]): Server {
  // Only the time that a request takes to arrive is limited: a push waits for its deploy, and logs are followed for hours.
  return createServer({ requestTimeout: BODY_TIMEOUT_MS, headersTimeout: 30_000, keepAliveTimeout: 10_000 }, handler)
}

/** @throws ADDRESS_IN_USE */
function listen(server: Server, { apiAddress, apiPort }: Config): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(codeOf(error) === 'EADDRINUSE' ? addressInUse('BERTH_API_PORT', apiAddress, apiPort) : error)
    })
    server.listen(apiPort, apiAddress, () => resolve((server.address() as AddressInfo).port))
  })
}

const FAREWELL_MS = 2_000

/** Streams have been told to end; what has not ended by itself soon is cut. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), FAREWELL_MS)
  await closed
  clearTimeout(timer)
}
