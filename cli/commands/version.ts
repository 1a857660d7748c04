/** version and update: this command's version, the server's, and how the two come together. */
import type { Context, Run } from '../context.ts'
import { CliError, exitCodes } from '../failures.ts'
import { isPackaged, ownVersion } from '../self.ts'

/** A server that is slow to say its version is not waited for. */
const WITHIN_MS = 2_000

type Server = { apiUrl: string; version: string }

export const version: Run = async (context, _args, options) => {
  const { out } = context
  const own = await ownVersion()
  if (options.client) return options.json ? out.json({ version: own }) : out.line(`berth ${own}`)
  const server = await askServer(context)
  if (options.json) return out.json({ version: own, server: 'why' in server ? null : server })
  out.line(`berth ${own}`)
  if ('why' in server) return out.note(server.why)
  out.line(`server ${server.version} at ${server.apiUrl}`)
  if (server.version !== own) out.note(`They differ. ${howTo(server)}`)
}

export const update: Run = async (context, _args, options) => {
  const { out } = context
  const server = await askServer(context)
  if ('why' in server) throw new CliError(exitCodes.unreachable, server.why)
  const own = await ownVersion()
  const command = commandFor(server)
  if (options.json) return out.json({ version: own, server, isCurrent: own === server.version, command })
  if (own === server.version) out.line(`berth ${own} is what ${server.apiUrl} runs.`)
  else out.line(`This is berth ${own}, and ${server.apiUrl} runs ${server.version}.`)
  out.line(howTo(server))
}

/** @returns the server's version, or a sentence on why it is not known */
async function askServer(context: Pick<Context, 'client'>): Promise<Server | { why: string }> {
  try {
    const client = await context.client()
    const view = await client.get('/version', {}, WITHIN_MS)
    return { apiUrl: client.apiUrl, version: view.version }
  } catch (error) {
    if (error instanceof CliError) return { why: `The server's version is not known: ${error.message}` }
    throw error
  }
}

const howTo = (server: Server): string =>
  isPackaged
    ? `To install the server's: ${commandFor(server)}`
    : `This is a checkout; update it with: ${commandFor(server)}`

const commandFor = ({ apiUrl }: Server): string =>
  isPackaged ? `npm install --global ${apiUrl}/cli.tgz` : 'git pull && npm ci'
