/** keys, keys:add and keys:remove: SSH keys, which open git over SSH. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readAll } from '../ask.ts'
import type { Context, Options, Run } from '../context.ts'
import { failed, usage } from '../failures.ts'
import { formatSince } from '../text.ts'

export const list: Run = async ({ client, out, now }, _args, options) => {
  const api = await client()
  if (options.host !== undefined) {
    const view = await api.get('/ssh')
    if (options.json) return out.json(view)
    if (!view.enabled) throw failed(view.why)
    out.line(`${view.fingerprint} (ED25519), port ${view.port}`)
    return out.line(`[${new URL(api.apiUrl).hostname}]:${view.port} ${view.hostKey}`)
  }
  const answer = await api.get('/keys')
  if (options.json) return out.json(answer)
  if (answer.keys.length === 0) return out.line('There are no SSH keys yet. Add yours with: berth keys:add')
  out.table(
    ['ID', 'NAME', 'FINGERPRINT', 'TYPE', 'TENANT', 'ADDED'],
    answer.keys.map(({ id, name, fingerprint, type, tenant, createdAt }) => [
      id,
      name,
      fingerprint,
      type,
      tenant,
      formatSince(createdAt, now()),
    ]),
  )
}

export const add: Run = async (context, [file], { name, tenant, json }) => {
  const { client, out } = context
  const key = await readKey(context, file)
  const body = { key, ...(name === undefined ? {} : { name }), ...(tenant === undefined ? {} : { tenant }) }
  const added = await (await client()).post('/keys', { body })
  if (json) return out.json(added)
  out.line(`Added ${added.name} (${added.fingerprint}) for ${added.tenant}. Use it with: berth git:remote --ssh -a APP`)
}

export const remove: Run = async ({ client, out }, [wanted = ''], options: Options) => {
  const api = await client()
  const { keys } = await api.get('/keys')
  const found = keys.filter(({ id, name, fingerprint }) => [id, name, fingerprint].includes(wanted))
  if (found.length > 1) throw usage(`Several keys are called ${JSON.stringify(wanted)}. Name one by its id: berth keys`)
  const answer = await api.delete('/keys/:key', { key: found[0]?.id ?? wanted })
  if (options.json) out.json(answer)
  else out.line(`Removed ${wanted}. Connections that are open stay open for as long as they last.`)
}

const usual = ['id_ed25519.pub', 'id_ecdsa.pub', 'id_rsa.pub']

async function readKey({ cwd, env, stdin }: Context, file: string | undefined): Promise<string> {
  if (file === '-') return readAll(stdin)
  const folder = join(env['HOME'] ?? homedir(), '.ssh')
  for (const path of file === undefined ? usual.map((name) => join(folder, name)) : [resolve(cwd, file)]) {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && file === undefined) return null
      throw failed(`${path} cannot be read: ${error.message}`)
    })
    // It is not sent anywhere, not even to be refused.
    if (text?.includes('PRIVATE KEY'))
      throw usage(`${path} is a private key, which never leaves your machine. Give the public one: ${file}.pub`)
    if (text !== null) return text
  }
  throw failed(`There is no key in ${folder}. Make one with: ssh-keygen -t ed25519`)
}
