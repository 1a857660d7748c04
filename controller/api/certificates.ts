/** Certificates: of an app, for its tenant; of the platform, for operators. */
import type { Request, Response } from 'express'
import { addCertificate, retryCertificate, type CertificateAdded, type CertificatesView } from '#core/contract/api.ts'
import type { App } from '#core/domain/app.ts'
import type { Certificate } from '#core/domain/certificate.ts'
import { notFound } from '#core/domain/errors.ts'
import { isId } from '#core/domain/ids.ts'
import { loadCertificate, loadCertificates, loadStanding, loadStandings } from '#core/store/certificates.ts'
import { platformHosts } from '../certificates/context.ts'
import { bringCertificate, takeAway, tryAgain, type ManageContext } from '../certificates/manage.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { automaticView, certificateView } from './certificate-views.ts'
import { changesOf, CHANGES_OF_PLATFORM, type ApiContext } from './context.ts'
import { param, type Handler, type Routes } from './routes.ts'

/** Whose certificates a path means, checked against who asks. */
type Owner = App | null
type OwnerOf = (req: Request) => Promise<Owner> | Owner

export const certificateRoutes = (context: ApiContext): Routes => {
  const ofApp: OwnerOf = (req) => appOf(req, context.store)
  const ofPlatform: OwnerOf = () => null
  return { ...routesFor('/apps/:app/certificates', ofApp, context), ...routesFor('/certificates', ofPlatform, context) }
}

const routesFor = (path: string, ownerOf: OwnerOf, context: ApiContext): Routes => ({
  [path]: {
    async GET(req, res) {
      res.json(await list(await ownerOf(req), context))
    },
    async POST(req, res) {
      await add(await ownerOf(req), req, res, context)
    },
  },
  [`${path}/retry`]: { POST: retry(ownerOf, context) },
  [`${path}/:certificate`]: {
    async GET(req, res) {
      const owner = await ownerOf(req)
      res.json(certificateView(await certificateOf(req, owner, context), owner?.name ?? null))
    },
    async DELETE(req, res) {
      const certificate = await certificateOf(req, await ownerOf(req), context)
      await takeAway(manageContext(context), certificate, callerOf(req).actor)
      // Where an authority was spared the work, it is asked now.
      context.certificates.wake()
      res.status(204).end()
    },
  },
})

async function add(owner: Owner, req: Request, res: Response, context: ApiContext): Promise<void> {
  const { certificate: chain, key } = bodyOf(req, addCertificate)
  const { config, certificates, turns } = context
  const hosts = owner === null ? platformHosts(config.domain) : await certificates.hostsOf(owner)
  const turn = owner === null ? CHANGES_OF_PLATFORM : changesOf(owner.id)
  const added = await turns.run(turn, () =>
    bringCertificate(manageContext(context), { owner, given: { chain, key }, hosts, actor: callerOf(req).actor }),
  )
  const view = certificateView(added.certificate, owner?.name ?? null)
  res.status(201).json({ ...view, replaced: added.replaced } satisfies CertificateAdded)
}

const retry =
  (ownerOf: OwnerOf, context: ApiContext): Handler =>
  async (req, res) => {
    const owner = await ownerOf(req)
    const { host } = bodyOf(req, retryCertificate)
    if (!(await wantedBy(owner, context)).includes(host)) throw notFound('domain', host)
    const standing = await tryAgain(manageContext(context), host)
    context.certificates.wake()
    res.status(202).json(automaticView(host, standing, [], true, context.now()))
  }

async function list(owner: Owner, context: ApiContext): Promise<CertificatesView> {
  const { store, now, config } = context
  const [all, standings, hosts] = await Promise.all([
    loadCertificates(store),
    loadStandings(store),
    wantedBy(owner, context),
  ])
  const mine = all.filter((certificate) => isOf(owner, certificate) && isShown(certificate))
  const automatic = hosts.map((host) => {
    // Apps of one tenant may share a host, and then one of them has its certificate.
    const serving = all.filter((certificate) => certificate.hosts.includes(host))
    return automaticView(host, standings.get(host) ?? null, serving, config.acme !== null, now())
  })
  const views = mine.sort((a, b) => a.addedAt - b.addedAt).map((one) => certificateView(one, owner?.name ?? null))
  return { certificates: views, automatic }
}

/** The hosts of an owner that want an automatic certificate. */
async function wantedBy(owner: Owner, { certificates, store, config }: ApiContext): Promise<string[]> {
  if (owner !== null)
    return (await certificates.wanted()).filter(({ appId }) => appId === owner.id).map(({ host }) => host)
  const wildcard = `*.${config.domain}`
  return config.acme?.dnsHook || (await loadStanding(store, wildcard)) ? [wildcard] : []
}

/** An automatic one whose domain is gone waits for it to come back, and is nobody's business. */
const isShown = ({ source, hosts }: Certificate): boolean => source !== 'acme' || hosts.length > 0

const isOf = (owner: Owner, { appId }: Certificate): boolean => appId === (owner?.id ?? null)

/** @throws NOT_FOUND */
async function certificateOf(req: Request, owner: Owner, { store }: ApiContext): Promise<Certificate> {
  const id = param(req, 'certificate')
  const certificate = isId(id) ? await loadCertificate(store, id) : null
  if (certificate === null || !isOf(owner, certificate)) throw notFound('certificate', id)
  return certificate
}

const manageContext = ({ store, log, random, now, certificates: { vault } }: ApiContext): ManageContext => ({
  store,
  log,
  vault,
  random,
  now,
})
