/** certs, certs:info, certs:add, certs:remove, certs:retry: of an app, or with --platform of the platform. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { AutomaticView, CertificateView } from '#core/contract/api.ts'
import { messageOf } from '#core/domain/errors.ts'
import { readAll } from '../ask.ts'
import type { Context, Options, Run } from '../context.ts'
import { failed, usage } from '../failures.ts'
import { formatDuration, formatSince, type Cell } from '../text.ts'

const SOON_MS = 14 * 24 * 3600_000

export const list: Run = async (context, _args, options) => {
  const { out, client, now } = context
  const { at, names } = await placeOf(context, options)
  const answer = await (await client()).get(at, names)
  if (options.json) return out.json(answer)
  const { certificates, automatic } = answer
  if (certificates.length === 0) out.note('There are no certificates here. Bring one with: berth certs:add CERT KEY')
  else
    out.table(
      ['CERTIFICATE', 'HOSTS', 'FROM', 'ISSUER', 'EXPIRES'],
      certificates.map((one) => [one.id, hostsCell(one), sources[one.source], one.issuer, expiryCell(one, now())]),
    )
  if (automatic.length === 0) return
  if (certificates.length > 0) out.line()
  out.table(
    ['HOST', 'AUTOMATIC CERTIFICATE', 'NEXT'],
    automatic.map((one) => [one.host, stateCell(one), nextCell(one, now())]),
    automatic.map(({ problem }) => (problem === null ? [] : [`  ${formatSince(problem.at, now())}: ${problem.text}`])),
  )
}

export const info: Run = async (context, [id = ''], options) => {
  const { out, client, now } = context
  const { at, names } = await placeOf(context, options)
  const one = await (await client()).get(`${at}/:certificate`, { ...names, certificate: id })
  if (options.json) return out.json(one)
  out.facts([
    ['Certificate', one.id],
    ['Serves', one.hosts.join(', ') || { text: 'no host here', colour: 'yellow' }],
    ['Names in it', one.names.join(', ')],
    ['From', sources[one.source]],
    ['Issuer', one.issuer],
    ['Key', one.keyType],
    ['Serial', one.serial],
    ['SHA-256', one.fingerprint],
    ['Valid from', one.validFrom],
    ['Expires', expiryCell(one, now())],
    ['Added', `${formatSince(one.addedAt, now())} by ${one.addedBy}`],
  ])
}

export const add: Run = async (context, [certificateFile = '', keyFile = ''], options) => {
  const { out, client, now } = context
  if (certificateFile === '-' && keyFile === '-') throw usage('Only one of the two can come from standard input.')
  const certificate = await read(context, certificateFile)
  const key = await read(context, keyFile)
  const { at, names } = await placeOf(context, options)
  const added = await (await client()).post(at, { ...names, body: { certificate, key } })
  if (options.json) return out.json(added)
  out.line(`Added ${added.id} for ${added.hosts.join(', ')}; it expires ${expiryText(added, now())}.`)
  if (added.replaced.length > 0) out.line(`It takes the place of ${added.replaced.join(', ')}.`)
  const others = added.names.filter((name) => !added.hosts.includes(name))
  if (others.length > 0) out.note(`Not served, because it is not a host of yours here: ${others.join(', ')}`)
}

export const remove: Run = async (context, [id = ''], options) => {
  const { at, names } = await placeOf(context, options)
  const answer = await (await context.client()).delete(`${at}/:certificate`, { ...names, certificate: id })
  if (options.json) context.out.json(answer)
  else context.out.line(`Removed ${id}.`)
}

export const retry: Run = async (context, [host = ''], options) => {
  const { at, names } = await placeOf(context, options)
  const view = await (await context.client()).post(`${at}/retry`, { ...names, body: { host } })
  if (options.json) context.out.json(view)
  else context.out.line(`Asking for a certificate for ${host} now. How it went: berth certs`)
}

type Place = { at: '/apps/:app/certificates' | '/certificates'; names: { app: string } | Record<never, never> }

async function placeOf(context: Context, options: Options): Promise<Place> {
  if (options.platform) return { at: '/certificates', names: {} }
  return { at: '/apps/:app/certificates', names: { app: await context.app(options) } }
}

async function read({ stdin, cwd }: Context, file: string): Promise<string> {
  if (file === '-') return readAll(stdin)
  try {
    return await readFile(resolve(cwd, file), 'utf8')
  } catch (error) {
    throw failed(`${file} cannot be read: ${messageOf(error)}.`)
  }
}

const sources: Record<CertificateView['source'], string> = {
  uploaded: 'upload',
  acme: 'automatic',
  selfSigned: 'self-signed',
}

const hostsCell = ({ hosts }: CertificateView): Cell => {
  if (hosts.length === 0) return { text: 'none here', colour: 'yellow' }
  return hosts.slice(0, 3).join(', ') + (hosts.length > 3 ? ` and ${hosts.length - 3} more` : '')
}

function expiryCell(one: CertificateView, now: number): Cell {
  const left = Date.parse(one.validTo) - now
  const text = expiryText(one, now)
  return left < 0 ? { text, colour: 'red' } : left < SOON_MS ? { text, colour: 'yellow' } : text
}

function expiryText({ validTo }: CertificateView, now: number): string {
  const left = Date.parse(validTo) - now
  return left < 0 ? `expired on ${validTo.slice(0, 10)}` : `on ${validTo.slice(0, 10)}, ${inTime(left)}`
}

const states: Record<AutomaticView['state'], Cell> = {
  issued: { text: 'issued', colour: 'green' },
  waiting: 'being asked for',
  failing: { text: 'failing', colour: 'red' },
  spared: 'not needed: yours serves it',
  off: { text: 'off: the operator has named no authority', colour: 'grey' },
}

const stateCell = ({ state, failures }: AutomaticView): Cell =>
  state === 'failing' && failures > 1 ? { text: `failed ${failures} times`, colour: 'red' } : states[state]

function nextCell({ state, nextAt }: AutomaticView, now: number): Cell {
  if (nextAt === null || state === 'off' || state === 'spared') return '-'
  const left = Date.parse(nextAt) - now
  const what = state === 'issued' ? 'renewed' : 'tried'
  return left <= 0 ? `${what} now` : `${what} ${inTime(left)}`
}

/** The largest unit says enough: `in 12 d`. */
const inTime = (ms: number): string => `in ${formatDuration(ms).replace(/^(\S+ \S+).*$/, '$1')}`
