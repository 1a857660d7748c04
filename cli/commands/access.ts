/** access, access:allow, :deny, :clear, access:users:add, :remove: who may send requests to an app. */
import { randomBytes } from 'node:crypto'
import type { AccessView } from '#core/contract/api.ts'
import { askSecret, readAll } from '../ask.ts'
import type { Context, Options, Run } from '../context.ts'

export const list: Run = async (context, _args, options) => {
  const app = await context.app(options)
  show(context, await (await context.client()).get('/apps/:app/access', { app }), options)
}

export const allow: Run = (context, networks, options) => change(context, { add: networks }, options)

export const deny: Run = (context, networks, options) => change(context, { remove: networks }, options)

export const clear: Run = async (context, _args, options) => {
  const app = await context.app(options)
  show(context, await (await context.client()).delete('/apps/:app/access', { app }), options)
}

/** A generated password alone is on stdout, so that it can be piped; the rest is on stderr. */
export const addUser: Run = async (context, [name = ''], options) => {
  const { out } = context
  const app = await context.app(options)
  const password = options.generate ? randomBytes(15).toString('base64url') : await readPassword(context, name)
  const view = await (await context.client()).post('/apps/:app/access/users', { app, body: { name, password } })
  if (options.generate) {
    out.note(`The password of ${name}. It is shown this once; keep it safe:`)
    return out.line(password)
  }
  if (options.json) out.json(view)
  else out.line(`${name} may send requests to ${app} with the password.`)
}

export const removeUser: Run = async (context, [name = ''], options) => {
  const app = await context.app(options)
  const answer = await (await context.client()).delete('/apps/:app/access/users/:user', { app, user: name })
  if (options.json) context.out.json(answer)
  else context.out.line(`The password of ${name} is not valid any more.`)
}

const readPassword = ({ stdin }: Context, name: string): Promise<string> =>
  stdin.isTTY ? askSecret(stdin, `Password for ${name}: `) : readAll(stdin)

async function change(context: Context, patch: { add?: string[]; remove?: string[] }, options: Options): Promise<void> {
  const app = await context.app(options)
  show(context, await (await context.client()).patch('/apps/:app/access', { app, body: patch }), options)
}

function show({ out }: Context, view: AccessView, options: Options): void {
  if (options.json) return out.json(view)
  out.facts([
    ['Networks', view.allow.join(', ') || 'all'],
    ['Users', view.users.join(', ') || 'no password is asked for'],
  ])
}
