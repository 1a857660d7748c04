/** domains, domains:add, :info, :verify, :remove, :approve: an app's own names. */
import type { AutomaticView, DomainView } from '#core/contract/api.ts'
import type { Context, Options, Run } from '../context.ts'
import { formatSince, type Cell } from '../text.ts'

export const list: Run = async (context, _args, options) => {
  const { out } = context
  const app = await context.app(options)
  const view = await (await context.client()).get('/apps/:app/domains', { app })
  if (options.json) return out.json(view)
  const own: Cell[] = [view.own, 'verified', '-', "the platform's", 'given by the platform']
  out.table(
    ['DOMAIN', 'STATE', 'ADDED', 'CERTIFICATE', 'DETAIL'],
    [own, ...view.domains.map((domain) => rowOf(domain, context.now()))],
  )
  const pending = view.domains.find(({ state }) => state === 'pending')
  if (pending) out.note(`Pending domains carry no traffic. What to do: berth domains:info ${pending.address} -a ${app}`)
}

export const add: Run = async (context, [address = ''], options) => {
  const app = await context.app(options)
  const domain = await (await context.client()).post('/apps/:app/domains', { app, body: { address } })
  if (options.json) return context.out.json(domain)
  context.out.line(`Added ${domain.address} to ${app}.`)
  show(context, app, domain)
}

export const info: Run = async (context, [address = ''], options) => {
  const app = await context.app(options)
  const domain = await (await context.client()).get('/apps/:app/domains/:address', { app, address })
  if (options.json) context.out.json(domain)
  else show(context, app, domain)
}

export const verify: Run = (context, args, options) => ask(context, args, 'verify', options)

export const approve: Run = (context, args, options) => ask(context, args, 'approve', options)

export const remove: Run = async (context, [address = ''], options) => {
  const app = await context.app(options)
  const answer = await (await context.client()).delete('/apps/:app/domains/:address', { app, address })
  if (options.json) context.out.json(answer)
  else context.out.line(`Removed ${address} from ${app}.`)
}

async function ask(context: Context, [address = '']: string[], verb: 'verify' | 'approve', options: Options) {
  const app = await context.app(options)
  const domain = await (await context.client()).post(`/apps/:app/domains/:address/${verb}`, { app, address })
  if (options.json) context.out.json(domain)
  else show(context, app, domain)
}

function show({ out, now }: Context, app: string, domain: DomainView): void {
  const { challenge, check, verified, certificate } = domain
  out.facts([
    ['Domain', domain.address],
    ['State', stateCell(domain)],
    ['Added', formatSince(domain.createdAt, now())],
    ...(verified ? [['Verified', detailOf(domain, now())] satisfies [string, Cell]] : []),
    ...(challenge
      ? ([
          ['TXT record', challenge.name],
          ['Its value', challenge.value],
        ] satisfies [string, Cell][])
      : []),
    ...(certificate ? [['Certificate', certificateCell(domain)] satisfies [string, Cell]] : []),
    ...(certificate?.problem
      ? [
          ['Last problem', `${certificate.problem.text} (${formatSince(certificate.problem.at, now())})`] satisfies [
            string,
            Cell,
          ],
        ]
      : []),
    ...(check ? [['Last look', detailOf(domain, now())] satisfies [string, Cell]] : []),
  ])
  if (challenge)
    out.note(
      `It carries no traffic yet. Publish the TXT record in the DNS of ${domain.host.replace('*.', '')}; Berth looks for it again and again, or at once with: berth domains:verify ${domain.address} -a ${app}`,
    )
  else
    out.note(
      `Point ${domain.host} at the platform: a CNAME record to the name that \`berth domains -a ${app}\` lists first.`,
    )
}

const rowOf = (domain: DomainView, now: number): Cell[] => [
  domain.address,
  stateCell(domain),
  formatSince(domain.createdAt, now),
  certificateCell(domain),
  detailOf(domain, now),
]

const stateCell = ({ state }: DomainView): Cell =>
  state === 'verified' ? { text: state, colour: 'green' } : { text: state, colour: 'yellow' }

/** One that nobody issues is for the owner to bring: wildcards, and where the operator has named no authority. */
const certificateStates: Record<AutomaticView['state'], Cell> = {
  issued: { text: 'issued', colour: 'green' },
  waiting: 'being asked for',
  failing: { text: 'failing', colour: 'red' },
  spared: { text: 'yours', colour: 'green' },
  off: 'none: certs:add',
}

const certificateCell = ({ certificate }: DomainView): Cell =>
  certificate === null ? '-' : certificateStates[certificate.state]

const proofs = { dns: 'by DNS', operator: 'by an operator', tenant: 'its host was yours before' }

function detailOf({ verified, check, challenge }: DomainView, now: number): string {
  if (verified) return `${proofs[verified.by]}, ${formatSince(verified.at, now)}`
  if (check) return `${check.problem} (${formatSince(check.at, now)})`
  return `waits for the TXT record ${challenge?.name ?? ''}`
}
