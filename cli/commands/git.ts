/** git:remote, and git:credentials, which git calls when it needs a password. */
import type { AppView } from '#core/contract/api.ts'
import { readAll } from '../ask.ts'
import { DEFAULT_REMOTE } from '../app-choice.ts'
import type { Client } from '../client.ts'
import type { Context, Options, Run } from '../context.ts'
import { chooseCredentials, credentialsFile, readCredentials } from '../credentials.ts'
import { CliError, failed } from '../failures.ts'
import { asksForApi, isRepository, parseCredentialQuestion, setRemote, sshUrl, writeRemote } from '../git.ts'

/** Here `-r` names the remote to write, not the one to read the app from. */
export const remote: Run = async (context, _args, options) => {
  const { cwd, launcher, out } = context
  if (!(await isRepository(cwd))) throw failed('This folder is not in a git repository. Make one with: git init')
  const client = await context.client()
  const name = await context.app(options.app === undefined ? {} : { app: options.app })
  const app = await client.get('/apps/:app', { app: name })
  const target = options.remote ?? DEFAULT_REMOTE
  if (options.ssh) return writeSshRemote(context, client, app, target, options)
  await writeRemote(cwd, target, app.gitUrl, launcher)
  if (options.json) out.json(app)
  else out.line(`The git remote "${target}" is ${app.gitUrl}. Deploy with: git push ${target} main`)
  const { origin } = new URL(app.gitUrl)
  if (origin !== new URL(client.apiUrl).origin)
    out.note(`git will ask for a password: your login is for ${client.apiUrl}, and git will speak to ${origin}.`)
}

async function writeSshRemote(
  { cwd, out }: Context,
  client: Client,
  app: AppView,
  remote: string,
  { json }: Options,
): Promise<void> {
  const view = await client.get('/ssh')
  if (!view.enabled) throw failed(view.why)
  const url = sshUrl(client.apiUrl, view.port, app.name)
  await setRemote(cwd, remote, url)
  if (json) return out.json({ ...app, gitUrl: url })
  out.line(`The git remote "${remote}" is ${url}. Deploy with: git push ${remote} main`)
  out.note(`ssh will ask whether it knows ${new URL(url).hostname}; its fingerprint is ${view.fingerprint}`)
}

/**
 * A git credential helper (gitcredentials(7)). It answers for the API's own origin alone: a remote that redirects, or a
 * hostile submodule, must not be given the token. Where it has nothing to say it is silent, and git asks the person.
 */
export const credentials: Run = async ({ env, out, stdin }, [operation]) => {
  if (operation !== 'get') return
  const question = parseCredentialQuestion(await readAll(stdin))
  try {
    const { apiUrl, token } = chooseCredentials(env, await readCredentials(credentialsFile(env)))
    if (asksForApi(question, apiUrl)) out.value(`username=berth\npassword=${token}`)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    out.error(error.message)
  }
}
