/** The controller's HTTP front. What happens to a request is the list in createApi, from top to bottom. */
import { randomUUID } from 'node:crypto'
import express, { type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import type { Log } from '#core/runtime/log.ts'
import { gitHttp } from '../git/http.ts'
import { recordCalls } from '../audit/record.ts'
import { Calls } from '../metrics.ts'
import { admitTo } from './access.ts'
import { appRoutes } from './apps.ts'
import { auditRoutes } from './audit.ts'
import { authenticate, onlyAgents, refuseAgents } from './auth.ts'
import { backupRoutes } from './backup.ts'
import { readBody } from './body.ts'
import { buildRoutes } from './builds.ts'
import { certificateRoutes } from './certificates.ts'
import { buildSettingsRoutes, offeredBuildpackRoutes } from './build-settings.ts'
import { checkRoutes } from './checks.ts'
import { configRoutes } from './config.ts'
import { consoleFiles } from './console.ts'
import type { ApiContext } from './context.ts'
import { cronRoutes } from './cron.ts'
import { deployRoutes } from './deploys.ts'
import { domainRoutes } from './domains.ts'
import { answerError, noSuchPage } from './errors.ts'
import { eventRoutes } from './events.ts'
import { formationRoutes } from './formation.ts'
import { health } from './health.ts'
import { hostCareRoutes } from './host-care.ts'
import { hostRoutes } from './hosts.ts'
import { instanceRoutes } from './instances.ts'
import { internalRoutes } from './internal.ts'
import { logRoutes } from './logs.ts'
import { pauseRoutes } from './pauses.ts'
import { quotaRoutes } from './quotas.ts'
import { planRoutes } from './plans.ts'
import { metrics } from './metrics.ts'
import { limitCallers, limitStrangers } from './rate.ts'
import { releaseRoutes } from './releases.ts'
import { routerOf, type Routes } from './routes.ts'
import { routingRoutes } from './routing.ts'
import { runRoutes } from './runs.ts'
import { adoptRoutes, slugFileRoutes } from './slug-files.ts'
import { slugRoutes } from './slugs.ts'
import { sshKeyRoutes } from './ssh-keys.ts'
import { stackRoutes } from './stacks.ts'
import { tenantRoutes } from './tenants.ts'
import { tokenRoutes } from './tokens.ts'
import { takeUpload } from './uploads.ts'
import { usageRoutes } from './usage.ts'
import { whoamiRoutes } from './whoami.ts'

export function createApi(context: ApiContext): Express {
  const { store, log } = context
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  app.set('trust proxy', context.config.trustedProxies)

  const admit = (route: string) => admitTo(route, store)
  const letUpload = admit('POST /apps/:app/source')
  const admitUpload: RequestHandler = async (req, _res, next) => {
    await letUpload(req)
    next()
  }
  const calls = new Calls()
  app.use(nameRequest(log, calls))
  app.use(recordCalls(context))
  app.use(securityHeaders())
  app.get('/healthz', health(store))
  app.get('/metrics', authenticate(store, 'bearer'), metrics(store, calls))
  app.use('/git', authenticate(store, 'basic'), refuseAgents, gitHttp(context))
  app.use(
    '/internal',
    authenticate(store, 'bearer'),
    onlyAgents,
    routerOf({ ...internalRoutes(context), ...offeredBuildpackRoutes(context) }),
  )
  app.post(
    '/v1/apps/:app/source',
    authenticate(store, 'bearer'),
    refuseAgents,
    limitCallers(context),
    admitUpload,
    takeUpload(context),
  )
  app.use(
    '/v1',
    authenticate(store, 'bearer'),
    refuseAgents,
    limitCallers(context),
    routerOf(slugFileRoutes(context), admit),
    ...readBody,
    routerOf(v1Routes(context), admit),
  )
  app.use('/v1', limitStrangers(context))
  app.use(consoleFiles())
  app.use(noSuchPage)
  app.use(answerError(log))
  return app
}

export const v1Routes = (context: ApiContext): Routes => ({
  ...whoamiRoutes(),
  ...appRoutes(context),
  ...formationRoutes(context),
  ...pauseRoutes(context),
  ...quotaRoutes(context),
  ...buildSettingsRoutes(context),
  ...configRoutes(context),
  ...certificateRoutes(context),
  ...domainRoutes(context),
  ...routingRoutes(context),
  ...checkRoutes(context),
  ...releaseRoutes(context),
  ...deployRoutes(context),
  ...slugRoutes(context),
  ...buildRoutes(context),
  ...adoptRoutes(context),
  ...instanceRoutes(context),
  ...runRoutes(context),
  ...cronRoutes(context),
  ...logRoutes(context),
  ...eventRoutes(context),
  ...usageRoutes(context),
  ...hostRoutes(context),
  ...hostCareRoutes(context),
  ...stackRoutes(context),
  ...tenantRoutes(context),
  ...planRoutes(context),
  ...tokenRoutes(context),
  ...sshKeyRoutes(context),
  ...auditRoutes(context),
  ...backupRoutes(context),
})

/** Gives each request an id, which its answer, its errors and the log carry; and counts it. */
function nameRequest(log: Log, calls: Calls): RequestHandler {
  return (req, res, next) => {
    const requestId = randomUUID()
    const startedAt = performance.now()
    const { path } = req
    res.setHeader('X-Request-Id', requestId)
    res.on('close', () => {
      const tookMs = Math.round(performance.now() - startedAt)
      calls.count(req.method, res.statusCode, tookMs / 1000)
      log.debug('request', { requestId, method: req.method, path, status: res.statusCode, tookMs })
    })
    next()
  }
}

function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        objectSrc: ["'none'"],
      },
    },
    // The API itself speaks plain HTTP; whoever puts TLS in front of it sets this there.
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  })
}
