/** alerts, alerts:rules, alerts:set, alerts:mute, alerts:unmute: what needs attention, and who is told. */
import type { AlertRulesView, AlertView, PatchAlerts } from '#core/contract/alerts.ts'
import { alertKinds, limitUnits, type AlertKind } from '#core/domain/alert.ts'
import type { Context, Options, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { formatDuration, formatSince, type Cell } from '../text.ts'
import { namedOwner, ownerOf } from './owner.ts'
import { secondsOf } from './run.ts'

/** Of one app or tenant if one is named; else of all that the caller may see. */
export const list: Run = async (context, _args, options) => {
  const { out, now } = context
  const isNamed = options.app !== undefined || options.remote !== undefined
  const owner = isNamed ? await ownerOf(context, options) : (namedOwner(options) ?? { at: '', names: {} })
  const query = options.num === undefined ? {} : { n: options.num }
  const { alerts } = await (await context.client()).get(`${owner.at}/alerts`, { ...owner.names, query })
  if (options.json) return out.json({ alerts })
  if (alerts.length === 0) return out.line('Nothing needs attention, and nothing did lately.')
  out.table(
    ['ALERT', 'ABOUT', 'SINCE', 'ENDED'],
    alerts.map((alert) => [
      { text: alert.kind, colour: alert.state === 'firing' ? 'red' : 'grey' },
      alert.app ?? alert.tenant ?? alert.host ?? 'the platform',
      formatSince(alert.since, now()),
      endCell(alert, now()),
    ]),
    alerts.map(({ text }) => [`    ${text}`]),
  )
}

const endCell = ({ until, since }: AlertView, now: number): Cell =>
  until === null
    ? { text: 'it goes on', colour: 'red' }
    : `${formatSince(until, now)}, after ${formatDuration(Date.parse(until) - Date.parse(since))}`

export const rules: Run = async (context, _args, options) => {
  const owner = await ownerOf(context, options)
  const view = await (await context.client()).get(`${owner.at}/alerts/rules`, owner.names)
  show(context, view, options)
}

/** `memory=85`, `memory=85/5m`, `slow=off`, `slow=on`, `slow=default`, `mail=ann@example.com,bob@example.com`. */
export const set: Run = async (context, pairs, options) => {
  const wish = pairs.reduce(readSetting, {} as PatchAlerts)
  show(context, await patch(context, wish, options), options)
}

export const mute: Run = async (context, [kind], options) => {
  const forMs = secondsOf('--for', options.for ?? '1h') * 1000
  const until = new Date(context.now() + forMs).toISOString()
  await patch(context, { mute: { kind: kind === undefined ? null : kindFrom(kind), until } }, options)
  if (!options.json)
    context.out.line(`Nobody is told of ${kind ?? 'any alert'} until ${until}. They are still listed: berth alerts`)
}

export const unmute: Run = async (context, [kind], options) => {
  const until = new Date(context.now() - 1000).toISOString()
  const view = await patch(context, { mute: { kind: kind === undefined ? null : kindFrom(kind), until } }, options)
  if (!options.json)
    context.out.line(
      view.mutes.length === 0 ? 'Nothing is muted.' : `Still muted: ${view.mutes.map(muteText).join('; ')}.`,
    )
}

async function patch(context: Context, wish: PatchAlerts, options: Options): Promise<AlertRulesView> {
  const owner = await ownerOf(context, options)
  const view = await (await context.client()).patch(`${owner.at}/alerts`, { ...owner.names, body: wish })
  if (options.json && wish.mute) context.out.json(view)
  return view
}

export function readSetting(wish: PatchAlerts, pair: string): PatchAlerts {
  const [, name, value = ''] = /^([^=]*)=(.*)$/s.exec(pair) ?? []
  if (name === undefined)
    throw usage(`"${pair}" is not a setting: write ${pair}=off, memory=85 or mail=ann@example.com.`)
  if (name === 'mail') return { ...wish, mail: mailFrom(value) }
  return { ...wish, rules: { ...wish.rules, [kindFrom(name)]: ruleFrom(kindFrom(name), value) } }
}

function mailFrom(value: string): string[] | null {
  if (value === 'default') return null
  return value === 'none' ? [] : value.split(',').map((address) => address.trim())
}

type Rule = NonNullable<NonNullable<PatchAlerts['rules']>[AlertKind]>

function ruleFrom(kind: AlertKind, value: string): Rule | null {
  if (value === 'default') return null
  if (value === 'on' || value === 'off') return { on: value === 'on' }
  const [, limit, time] = /^(\d+(?:\.\d+)?)?(?:\/(\w+))?$/.exec(value) ?? []
  if (value === '' || (limit === undefined && time === undefined)) {
    const unit = limitUnits[kind]
    const example = unit ? `${kind}=${unit.least}, ${kind}=${unit.least}/5m` : `${kind}=/5m`
    throw usage(`${kind} cannot be "${value}": write ${example}, ${kind}=on, ${kind}=off or ${kind}=default.`)
  }
  return {
    on: true,
    ...(limit === undefined ? {} : { limit: Number(limit) }),
    ...(time === undefined ? {} : { forSeconds: time === '0' ? 0 : secondsOf(`The time in ${kind}=${value}`, time) }),
  }
}

function kindFrom(text: string): AlertKind {
  const kind = alertKinds.find((one) => one.toLowerCase() === text.toLowerCase())
  if (kind === undefined) throw usage(`"${text}" is no kind of alert. There are: ${alertKinds.join(', ')}.`)
  return kind
}

function show({ out }: Context, view: AlertRulesView, options: Options): void {
  if (options.json) return out.json(view)
  out.table(
    ['ALERT', 'LIMIT', 'FOR', 'SET'],
    alertKinds.map((kind) => {
      const { on, limit, forSeconds } = view.rules[kind]
      const unit = limitUnits[kind]?.unit ?? ''
      return [
        kind,
        on ? (limit === null ? '-' : `${limit} ${unit}`) : { text: 'off', colour: 'grey' },
        forSeconds === 0 ? 'at once' : formatDuration(forSeconds * 1000),
        view.own.includes(kind) ? 'here' : '',
      ]
    }),
  )
  out.line()
  out.facts([
    ['Mail', mailText(view)],
    ['Muted', view.mutes.length === 0 ? 'nothing' : view.mutes.map(muteText).join('; ')],
  ])
}

function mailText({ mail, mailWorks }: AlertRulesView): Cell {
  if (!mailWorks) return { text: 'the operator has named no mail server (BERTH_SMTP_URL)', colour: 'grey' }
  if (mail === null) return 'as further up'
  return mail.length === 0 ? 'nobody' : mail.join(', ')
}

const muteText = ({ kind, until, by }: AlertRulesView['mutes'][number]): string =>
  `${kind ?? 'all'} until ${until} (by ${by})`
