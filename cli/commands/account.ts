/** account, and what changes how one signs in, for which a token is not enough: e-mail address and password are asked for. */
import { ask } from '../ask.ts'
import type { Context, Options, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { askNewPassword, asPerson, readLogin, type Person } from '../person.ts'
import { formatSince } from '../text.ts'

export const show: Run = async ({ client, out, now }, _args, options) => {
  const user = await (await client()).get('/account')
  if (options.json) return out.json(user)
  out.facts([
    ['E-mail', user.email],
    ['Name', user.name],
    ['Operator', user.operator ? 'yes' : 'no'],
    ['Member of', user.memberships.map(({ tenant, role }) => `${tenant} (${role})`).join(', ') || '-'],
    ['Password', user.password ? 'yes' : 'no'],
    ['Second factor', user.totp ? 'yes' : 'no'],
    ['Since', formatSince(user.createdAt, now())],
  ])
}

export const password: Run = (context, _args, options) =>
  inPerson(context, options, async (person, current) => {
    await person.post('/account/password', { body: { current, password: await askNewPassword(context) } })
    if (!options.json)
      context.out.line('Your password is changed. You are signed out of all browsers; tokens stay valid.')
  })

export const totp: Run = (context, _args, options) =>
  inPerson(context, options, async (person) => {
    const { out, stdin } = context
    if (!stdin.isTTY) throw usage('An authenticator app is set up on a terminal only, or in the console.')
    const begun = await person.post('/account/totp')
    out.note(`Add this to your authenticator app:\n  ${begun.secret}\n  ${begun.uri}`)
    const code = await ask(stdin, 'The code that it shows: ', '')
    const { recoveryCodes } = await person.post('/account/totp/confirm', { body: { code } })
    if (options.json) return out.json({ recoveryCodes })
    out.note('Your second factor is on. Each of these codes replaces the app once; they are shown this once:')
    for (const one of recoveryCodes) out.line(one)
  })

export const disableTotp: Run = (context, _args, options) =>
  inPerson(context, options, async (person) => {
    const { stdin, out } = context
    if (!stdin.isTTY) throw usage('The next code is asked for on a terminal only.')
    const code = await ask(stdin, 'The next code that your app shows, or a recovery code: ', '')
    await person.post('/account/totp/disable', { body: { code } })
    if (!options.json) out.line('Your second factor is off.')
  })

export const sessions: Run = (context, _args, options) =>
  inPerson(context, options, async (person) => {
    const { out, now } = context
    const answer = await person.get('/account/sessions')
    if (options.json) return out.json(answer)
    out.table(
      ['ID', 'SINCE', 'LAST SEEN', 'FROM', 'WITH'],
      answer.sessions
        .filter(({ current }) => !current)
        .map((one) => [
          one.id,
          formatSince(one.createdAt, now()),
          formatSince(one.seenAt, now()),
          one.address,
          one.client.slice(0, 60),
        ]),
    )
  })

export const endSessions: Run = (context, [id], options) =>
  inPerson(context, options, async (person) => {
    await (id === undefined
      ? person.delete('/account/sessions')
      : person.delete('/account/sessions/:session', { session: id }))
    if (!options.json) context.out.line(id === undefined ? 'You are signed out of all browsers.' : `Signed out ${id}.`)
  })

async function inPerson(
  context: Context,
  options: Options,
  work: (person: Person, password: string) => Promise<void>,
): Promise<void> {
  const client = await context.client()
  const usual = (await client.get('/whoami')).user?.email ?? null
  const login = await readLogin(context, options, usual)
  await asPerson(client.apiUrl, login, context, (person) => work(person, login.password))
}
