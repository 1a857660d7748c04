/** The controller's HTTP front. What happens to a request is the list in createApi, from top to bottom. */
import { randomUUID } from 'node:crypto'
import express, { type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import { isOnce } from '#core/contract/operations/index.ts'
import type { Log } from '#core/runtime/log.ts'
import { gitHttp } from '../git/http.ts'
import { recordCalls } from '../audit/record.ts'
import { Calls } from '../metrics.ts'
import { referenceRoutes } from '../reference/routes.ts'
import { admitTo } from './access.ts'
import { accountRoutes } from './account.ts'
import { alertRoutes } from './alerts.ts'
import { appRoutes } from './apps.ts'
import { auditRoutes } from './audit.ts'
import { authenticate } from './auth.ts'
import { backupRoutes } from './backup.ts'
import { readBody } from './body.ts'
import { buildRoutes } from './builds.ts'
import { certificateRoutes } from './certificates.ts'
import { buildSettingsRoutes } from './build-settings.ts'
import { checkRoutes } from './checks.ts'
import { configRoutes } from './config.ts'
import { consoleFiles } from './console.ts'
import type { ApiContext } from './context.ts'
import { cronRoutes } from './cron.ts'
import { deployRoutes } from './deploys.ts'
import { drainRoutes } from './drains.ts'
import { domainRoutes } from './domains.ts'
import { answerError, noSuchPage } from './errors.ts'
import { eventRoutes } from './events.ts'
import { formationRoutes } from './formation.ts'
import { health } from './health.ts'
import { hostCareRoutes } from './host-care.ts'
import { hostRoutes } from './hosts.ts'
import { once } from './idempotency.ts'
import { instanceRoutes } from './instances.ts'
import { liveRoutes } from './live.ts'
import { invitationRoutes } from './invitations.ts'
import { logRoutes } from './logs.ts'
import { openRouter, openRoutes } from './open.ts'
import { pauseRoutes } from './pauses.ts'
import { quotaRoutes } from './quotas.ts'
import { planRoutes } from './plans.ts'
import { memberRoutes } from './members.ts'
import { metrics } from './metrics.ts'
import { limitCallers, limitStrangers } from './rate.ts'
import { releaseRoutes } from './releases.ts'
import { routerOf, type Routes } from './routes.ts'
import { routingRoutes } from './routing.ts'
import { runRoutes } from './runs.ts'
import { sessionRoutes } from './session.ts'
import { adoptRoutes, slugFileRoutes } from './slug-files.ts'
import { seriesRoutes } from './series.ts'
import { signOnRouter } from './sign-on.ts'
import { slugRoutes } from './slugs.ts'
import { sshKeyRoutes } from './ssh-keys.ts'
import { stackRoutes } from './stacks.ts'
import { tenantRoutes } from './tenants.ts'
import { tokenRoutes } from './tokens.ts'
import { cliPackage, toolRoutes } from './tools.ts'
import { takeUpload } from './uploads.ts'
import { usageRoutes } from './usage.ts'
import { userRoutes } from './users.ts'
import { webhookRoutes } from './webhooks.ts'
import { whoamiRoutes } from './whoami.ts'

export function createApi(context: ApiContext): Express {
  const { store, log } = context
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  // Whose X-Forwarded-For is believed; nobody's, if none is named.
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
  app.get('/cli.tgz', cliPackage(context))
  app.use(referenceRoutes())
  app.get('/metrics', authenticate(context, 'bearer'), metrics(store, calls))
  app.use('/git', authenticate(context, 'basic'), gitHttp(context))
  app.use('/v1', openRouter(openRoutes(context), admit))
  app.post(
    '/v1/apps/:app/source',
    authenticate(context, 'bearer'),
    limitCallers(context),
    admitUpload,
    takeUpload(context),
  )
  app.use(
    '/v1',
    authenticate(context, 'bearer'),
    limitCallers(context),
    routerOf(slugFileRoutes(context), admit),
    ...readBody,
    routerOf(v1Routes(context), admit, (route, handler) => (isOnce(route) ? once(handler, context) : handler)),
  )
  app.use('/v1', limitStrangers(context))
  app.use(signOnRouter(context))
  app.use(consoleFiles())
  app.use(noSuchPage)
  app.use(answerError(log))
  return app
}

export const v1Routes = (context: ApiContext): Routes => ({
  ...whoamiRoutes(context),
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
  ...drainRoutes(context),
  ...eventRoutes(context),
  ...usageRoutes(context),
  ...hostRoutes(context),
  ...hostCareRoutes(context),
  ...stackRoutes(context),
  ...tenantRoutes(context),
  ...planRoutes(context),
  ...tokenRoutes(context),
  ...sessionRoutes(context),
  ...accountRoutes(context),
  ...userRoutes(context),
  ...memberRoutes(context),
  ...invitationRoutes(context),
  ...sshKeyRoutes(context),
  ...liveRoutes(context),
  ...webhookRoutes(context),
  ...alertRoutes(context),
  ...toolRoutes(),
  ...auditRoutes(context),
  ...backupRoutes(context),
  ...seriesRoutes(context),
})

/** Gives each request an id, which its answer, its errors and the log carry; and counts it. */
function nameRequest(log: Log, calls: Calls): RequestHandler {
  return (req, res, next) => {
    const requestId = randomUUID()
    const startedAt = performance.now()
    const { path } = req
    res.setHeader('X-Request-Id', requestId)
    // Each layer below waits once for its end, and a stream does so by several listeners.
    res.setMaxListeners(30)
    res.on('close', () => {
      const tookMs = Math.round(performance.now() - startedAt)
      calls.count(req.method, res.statusCode, tookMs / 1000)
      log.debug('request', { requestId, method: req.method, path, status: res.statusCode, tookMs })
    })
    next()
  }
}

export function securityHeaders(): RequestHandler {
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
