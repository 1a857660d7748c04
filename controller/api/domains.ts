/** Domains of an app: claim, show, check, approve, give up. */
import type { Request } from 'express'
import { addDomain, type DomainsView, type DomainView } from '#core/contract/api.ts'
import type { App } from '#core/domain/app.ts'
import { isWildcard } from '#core/domain/certificate.ts'
import { addressText, MAX_DOMAINS, parseAddress, type Domain } from '#core/domain/domain.ts'
import { BerthError, domainInUse, domainTaken, notFound, tooManyDomains } from '#core/domain/errors.ts'
import type { Address } from '#core/domain/route.ts'
import { loadApp } from '#core/store/apps.ts'
import { loadCertificates, loadStandings } from '#core/store/certificates.ts'
import { claimantOf, claimDomain, removeDomain, verifyDomain, type Claimed } from '#core/store/domains.ts'
import { appendEvent } from '#core/store/events.ts'
import { announceVerified, checkDomain, nameRules } from '../domains.ts'
import { eventOfApp } from '../events.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { automaticView } from './certificate-views.ts'
import type { ApiContext } from './context.ts'
import { param, type Routes } from './routes.ts'
import { domainView } from './views.ts'

export const domainRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/domains': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      const own = `${app.name}.${context.config.domain}`
      res.json({ own, domains: await views(app.domains, context) } satisfies DomainsView)
    },
    async POST(req, res) {
      const app = await appOf(req, context.store)
      const { address } = bodyOf(req, addDomain)
      const claimed = await claim(app, parseAddress(address, rulesOf(context)), callerOf(req).actor, context)
      res.status(201).json(await show(app, claimed, context))
    },
  },
  '/apps/:app/domains/:address': {
    async GET(req, res) {
      const { domain } = await find(req, context)
      res.json(await viewOf(domain, context))
    },
    async DELETE(req, res) {
      const { app, domain } = await find(req, context)
      await remove(app, domain, callerOf(req).actor, context)
      res.status(204).end()
    },
  },
  '/apps/:app/domains/:address/verify': {
    async POST(req, res) {
      const { app, domain } = await find(req, context)
      if (domain.state === 'pending') await checkDomain(context, domain, callerOf(req).actor)
      res.json(await show(app, domain, context))
    },
  },
  '/apps/:app/domains/:address/approve': {
    async POST(req, res) {
      const { app, domain } = await find(req, context)
      const { actor } = callerOf(req)
      if (domain.state === 'pending') await approve(domain, actor, context)
      res.json(await show(app, domain, context))
    },
  },
})

const rulesOf = ({ config }: ApiContext) => nameRules(config.domain)

/** @throws NOT_FOUND */
async function find(req: Request, context: ApiContext): Promise<{ app: App; domain: Domain }> {
  const app = await appOf(req, context.store)
  const text = param(req, 'address')
  const domain = domainOf(app, readAddress(text, context))
  if (!domain) throw notFound('domain', text)
  return { app, domain }
}

const domainOf = (app: App, address: Address | null): Domain | undefined =>
  app.domains.find(({ host, path }) => host === address?.host && path === address.path)

/** What could not be a domain is not there. */
function readAddress(text: string, context: ApiContext): Address | null {
  try {
    return parseAddress(text, rulesOf(context))
  } catch (error) {
    if (error instanceof BerthError) return null
    throw error
  }
}

async function show({ id }: App, address: Address, context: ApiContext): Promise<DomainView> {
  const app = await loadApp(context.store, id)
  const domain = app && domainOf(app, address)
  if (!domain) throw notFound('domain', addressText(address))
  return viewOf(domain, context)
}

async function viewOf(domain: Domain, context: ApiContext): Promise<DomainView> {
  const [view] = await views([domain], context)
  return view as DomainView
}

async function views(domains: Domain[], context: ApiContext): Promise<DomainView[]> {
  if (!domains.some(({ state }) => state === 'verified')) return domains.map((domain) => domainView(domain, null))
  const { store, config, now } = context
  const [certificates, standings] = await Promise.all([loadCertificates(store), loadStandings(store)])
  return domains.map((domain) => {
    if (domain.state === 'pending') return domainView(domain, null)
    const { host } = domain
    const serving = certificates.filter(({ hosts }) => hosts.includes(host))
    const isAskedFor = config.acme !== null && (!isWildcard(host) || config.acme.dnsHook !== null)
    return domainView(domain, automaticView(host, standings.get(host) ?? null, serving, isAskedFor, now()))
  })
}

/** @throws DOMAIN_TAKEN, DOMAIN_IN_USE, TOO_MANY_DOMAINS, NOT_FOUND */
async function claim(app: App, address: Address, actor: string, context: ApiContext): Promise<Domain> {
  const { store, now, log, random } = context
  const domain: Domain = {
    ...address,
    appId: app.id,
    tenantId: app.tenantId,
    createdAt: now(),
    token: `berth-${Buffer.from(random(20)).toString('hex')}`,
    state: 'pending',
    verified: null,
    check: null,
  }
  const text = addressText(domain)
  const outcome = await claimDomain(store, domain)
  if (outcome === 'own') throw domainInUse(text, (await nameOfClaimant(app, address, context)) ?? app.name)
  if (outcome === 'full') throw tooManyDomains(app.name, MAX_DOMAINS)
  requireGranted(outcome, domain)
  log.info('domain added', { appId: app.id, tenantId: app.tenantId, domain: text, state: outcome, actor })
  await appendEvent(store, app.id, eventOfApp('domainAdded', `${text} was added`, actor, now()))
  if (outcome === 'verified') await announceVerified(context, domain, 'its host was shown to be yours before', actor)
  return domain
}

async function nameOfClaimant({ tenantId }: App, address: Address, { store }: ApiContext): Promise<string | null> {
  const id = await claimantOf(store, tenantId, address)
  return (id && (await loadApp(store, id))?.name) ?? null
}

/** @throws DOMAIN_TAKEN, NOT_FOUND */
function requireGranted(outcome: Claimed, domain: Domain): void {
  if (outcome === 'taken') throw domainTaken(addressText(domain))
  if (outcome === 'gone') throw notFound('domain', addressText(domain))
}

async function approve(domain: Domain, actor: string, context: ApiContext): Promise<void> {
  requireGranted(await verifyDomain(context.store, domain, { at: context.now(), by: 'operator' }), domain)
  await announceVerified(context, domain, 'an operator approved it', actor)
}

async function remove(app: App, domain: Domain, actor: string, context: ApiContext): Promise<void> {
  const { store, now, wake, certificates, log } = context
  if (!(await removeDomain(store, app, domain))) return
  wake()
  certificates.wake()
  const text = addressText(domain)
  log.info('domain removed', { appId: app.id, tenantId: app.tenantId, domain: text, actor })
  await appendEvent(store, app.id, eventOfApp('domainRemoved', `${text} was removed`, actor, now()))
}
