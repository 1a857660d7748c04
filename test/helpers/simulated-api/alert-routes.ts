/** What the simulated API says of alerts and their rules: of the platform, of a tenant, of an app. */
import { Router, type Request } from 'express'
import type { AlertRulesView, AlertsView, PatchAlerts } from '#core/contract/alerts.ts'
import { alertKinds, defaultRules } from '#core/domain/alert.ts'
import type { Place } from './place.ts'
import { callerOf } from './sessions.ts'

/** @param mayChange throws where somebody may not */
export function alertRoutes({ alerts }: Place, mayChange: (req: Request) => void): Router {
  const router = Router()
  const settings = new Map<string, AlertRulesView>()
  const ofWhat = ({ params }: Request) => ({
    app: typeof params.app === 'string' ? params.app : null,
    tenant: typeof params.tenant === 'string' ? params.tenant : null,
  })
  const viewOf = (req: Request): AlertRulesView => {
    const of = ofWhat(req)
    const key = JSON.stringify(of)
    const view = settings.get(key) ?? beginning(of)
    settings.set(key, view)
    return view
  }
  for (const path of ['/alerts', '/tenants/:tenant/alerts', '/apps/:app/alerts']) {
    router.get(path, (req, res) => {
      const { app, tenant } = ofWhat(req)
      const mine = alerts.filter(
        (alert) => (app === null || alert.app === app) && (tenant === null || alert.tenant === tenant),
      )
      res.json({ alerts: mine } satisfies AlertsView)
    })
    router.get(`${path}/rules`, (req, res) => res.json(viewOf(req)))
    router.patch(path, (req, res) => {
      mayChange(req)
      const view = viewOf(req)
      change(view, req.body as PatchAlerts, callerOf(req).name)
      res.json(view)
    })
  }
  return router
}

const beginning = (of: Pick<AlertRulesView, 'app' | 'tenant'>): AlertRulesView => ({
  ...of,
  rules: Object.fromEntries(alertKinds.map((kind) => [kind, usual(kind)])) as AlertRulesView['rules'],
  own: of.app === 'shop' ? ['memory'] : [],
  mutes:
    of.app === 'shop'
      ? [{ kind: 'slow', until: new Date(Date.now() + 7_500_000).toISOString(), by: 'ana@northwind.example' }]
      : [],
  mail: of.app === 'shop' ? ['oncall@northwind.example'] : null,
  mailWorks: true,
})

const usual = (kind: (typeof alertKinds)[number]) => {
  const { on, limit, forMs } = defaultRules[kind]
  return { on, limit, forSeconds: forMs / 1000 }
}

function change(view: AlertRulesView, { rules = {}, mute, mail }: PatchAlerts, by: string): void {
  for (const kind of alertKinds) {
    const wish = rules[kind]
    if (wish === undefined) continue
    view.own = view.own.filter((one) => one !== kind)
    view.rules[kind] = usual(kind)
    if (wish === null) continue
    view.own.push(kind)
    Object.assign(view.rules[kind], wish)
  }
  if (mute) {
    view.mutes = view.mutes.filter(({ kind }) => kind !== mute.kind)
    if (Date.parse(mute.until) > Date.now()) view.mutes.push({ ...mute, by })
  }
  if (mail !== undefined) view.mail = mail
}
