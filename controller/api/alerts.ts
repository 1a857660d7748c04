/** Alerts, those that go on and those that ended; and what is set about them, of apps, tenants and the platform. */
import type { Request } from 'express'
import {
  alertQuery,
  patchAlerts,
  type AlertRulesView,
  type AlertsView,
  type PatchAlerts,
} from '#core/contract/alerts.ts'
import { parse } from '#core/contract/schema.ts'
import { sees } from '#core/domain/access.ts'
import { alertKinds, rulesFrom, type Alert, type AlertRule, type AlertSettings } from '#core/domain/alert.ts'
import type { TenantId } from '#core/domain/ids.ts'
import { loadAlerts, loadAlertSettings, loadEndedAlerts, ownersAbove, saveAlertSettings } from '#core/store/alerts.ts'
import { requireMembers } from '../alerts/recipients.ts'
import { alertView } from '../webhooks/message.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { ownersOf, type NamedOwner, type OwnerOf } from './owners.ts'
import type { Handler, Routes } from './routes.ts'

const SHOWN_ENDED = 20
const MAX_MUTES = 20

export function alertRoutes(context: ApiContext): Routes {
  const { app, tenant, platform } = ownersOf(context.store)
  return {
    '/alerts': { GET: listAll(context), PATCH: change(platform, context) },
    '/alerts/rules': { GET: showRules(platform, context) },
    '/apps/:app/alerts': { GET: listOf(app, context), PATCH: change(app, context) },
    '/apps/:app/alerts/rules': { GET: showRules(app, context) },
    '/tenants/:tenant/alerts': { GET: listOf(tenant, context), PATCH: change(tenant, context) },
    '/tenants/:tenant/alerts/rules': { GET: showRules(tenant, context) },
  }
}

/** Operators see all; others what their tenants have. */
const listAll =
  ({ store }: ApiContext): Handler =>
  async (req, res) => {
    const caller = callerOf(req)
    const { n = SHOWN_ENDED, tenant } = parse(alertQuery, req.query, 'query')
    const own = caller.memberships.map(({ tenantId }) => tenantId)
    const asked: (TenantId | null)[] = tenant !== undefined ? [tenant] : caller.kind === 'operator' ? [null] : own
    const ended = (await Promise.all(asked.map((id) => loadEndedAlerts(store, id)))).flat()
    const mayShow = ({ tenantId, appId }: Alert) =>
      sees(caller, { tenantId, appId }) && (tenant === undefined || tenantId === tenant)
    res.json(viewOf((await loadAlerts(store)).filter(mayShow), ended.filter(mayShow), n))
  }

const listOf =
  (ownerOf: OwnerOf, { store }: ApiContext): Handler =>
  async (req, res) => {
    const caller = callerOf(req)
    const owner = await ownerOf(req)
    const { n = SHOWN_ENDED } = parse(alertQuery, req.query, 'query')
    const isOf = ({ appId, tenantId }: Alert) =>
      tenantId === owner.tenantId &&
      (owner.appId === null || appId === owner.appId) &&
      sees(caller, { tenantId, appId })
    const [going, ended] = await Promise.all([loadAlerts(store), loadEndedAlerts(store, owner.tenantId)])
    res.json(viewOf(going.filter(isOf), ended.filter(isOf), n))
  }

/** Those that go on first, all of them. */
function viewOf(going: Alert[], ended: Alert[], most: number): AlertsView {
  const newest = ended.sort((a, b) => (b.until ?? 0) - (a.until ?? 0)).slice(0, most)
  return { alerts: [...going, ...newest].map(alertView) }
}

const showRules =
  (ownerOf: OwnerOf, context: ApiContext): Handler =>
  async (req, res) => {
    res.json(await rulesView(await ownerOf(req), context))
  }

const change =
  (ownerOf: OwnerOf, context: ApiContext): Handler =>
  async (req, res) => {
    const owner = await ownerOf(req)
    const wish = bodyOf(req, patchAlerts)
    await requireMembers(context.store, owner.tenantId, wish.mail ?? [])
    await context.turns.run(`alerts of ${owner.appId ?? owner.tenantId ?? 'the platform'}`, async () => {
      const before = await loadAlertSettings(context.store, owner)
      await saveAlertSettings(context.store, owner, changed(before, wish, req, context.now()))
    })
    context.log.info('alert rules changed', {
      appId: owner.appId,
      tenantId: owner.tenantId,
      actor: callerOf(req).actor,
    })
    res.json(await rulesView(owner, context))
  }

function changed(
  before: AlertSettings,
  { rules = {}, mute, mail }: PatchAlerts,
  req: Request,
  now: number,
): AlertSettings {
  const next = { ...before.rules }
  for (const kind of alertKinds) {
    const wish = rules[kind]
    if (wish === null) delete next[kind]
    else if (wish !== undefined) next[kind] = { ...next[kind], ...ruleFrom(wish) }
  }
  const going = before.mutes.filter(({ until, kind }) => until > now && (!mute || kind !== mute.kind))
  const added =
    mute && Date.parse(mute.until) > now
      ? [{ kind: mute.kind, until: Date.parse(mute.until), by: callerOf(req).actor }]
      : []
  return { rules: next, mutes: [...going, ...added].slice(-MAX_MUTES), mail: mail === undefined ? before.mail : mail }
}

function ruleFrom({
  on,
  limit,
  forSeconds,
}: {
  on?: boolean | undefined
  limit?: number | undefined
  forSeconds?: number | undefined
}): Partial<AlertRule> {
  return {
    ...(on === undefined ? {} : { on }),
    ...(limit === undefined ? {} : { limit }),
    ...(forSeconds === undefined ? {} : { forMs: forSeconds * 1000 }),
  }
}

async function rulesView(owner: NamedOwner, { store, config, now }: ApiContext): Promise<AlertRulesView> {
  const settings = await Promise.all(ownersAbove(owner).map((one) => loadAlertSettings(store, one)))
  const own = settings.at(-1)
  const rules = rulesFrom(settings)
  const views = alertKinds.map((kind) => {
    const { on, limit, forMs } = rules[kind]
    return [kind, { on, limit, forSeconds: forMs / 1000 }] as const
  })
  return {
    app: owner.appName,
    tenant: owner.tenantId,
    rules: Object.fromEntries(views) as AlertRulesView['rules'],
    own: alertKinds.filter((kind) => own?.rules[kind] !== undefined),
    mutes: settings
      .flatMap(({ mutes }) => mutes)
      .filter(({ until }) => until > now())
      .map(({ kind, until, by }) => ({ kind, until: new Date(until).toISOString(), by })),
    mail: own?.mail ?? null,
    mailWorks: config.mail !== null,
  }
}
