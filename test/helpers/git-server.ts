/** A git server of the tests' own: real repositories behind git's own http-backend, over https with an authority of its own. */
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeCertificate, makeRoot } from './certificates.ts'

const run = promisify(execFile)

export type GitServer = {
  /** `https://localhost:PORT`; below it NAME.git, archives/NAME.tgz, and redirect-to-http/ */
  url: string
  /** The authority that vouches for it, as a PEM file. */
  caFile: string
  requests: number
  /** Those that came over plain http, to where redirect-to-http/ leads. */
  plainRequests: number
  /** Puts a folder's content into a repository, as a commit; with credentials, only those may fetch it. */
  commit(name: string, folder: string, credentials?: { user: string; password: string }): Promise<void>
  git(name: string, args: string[]): Promise<string>
  stop(): Promise<void>
}

const quiet = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', PATH: process.env['PATH'] ?? '/usr/bin:/bin' }
const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.invalid']

export async function startGitServer(): Promise<GitServer> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-git-server-'))
  const root = await makeRoot()
  const { chain, key } = await makeCertificate('localhost', { names: ['localhost'], by: root })
  const caFile = join(folder, 'authority.pem')
  await writeFile(caFile, root.cert)
  const secrets = new Map<string, string>()

  const plain = createPlainServer((req, res) => {
    gitServer.plainRequests++
    void answer(req, res).catch(() => res.destroy())
  })
  await new Promise<void>((resolve) => plain.listen(0, 'localhost', resolve))
  const plainPort = (plain.address() as AddressInfo).port
  const server = createServer({ cert: chain, key }, (req, res) => {
    gitServer.requests++
    void answer(req, res).catch(() => res.destroy())
  })

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'https://localhost')
    const [, first = '', second = ''] = url.pathname.split('/')
    if (first === 'redirect-to-http')
      return void res.writeHead(302, { location: `http://localhost:${plainPort}/${second}${url.search}` }).end()
    if (first === 'archives') {
      const archive = await readFile(join(folder, second)).catch(() => null)
      return void (archive ? res.end(archive) : res.writeHead(404).end())
    }
    const secret = secrets.get(first)
    if (secret !== undefined && req.headers.authorization !== `Basic ${Buffer.from(secret).toString('base64')}`)
      return void res.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    backend(req, res, url, folder)
  }

  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))

  const gitServer: GitServer = {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    caFile,
    requests: 0,
    plainRequests: 0,
    async commit(name, source, credentials) {
      const work = join(folder, `${name}-work`)
      await mkdir(work)
      await run('cp', ['-a', `${source}/.`, work])
      const git = (...args: string[]) => run('git', [...identity, ...args], { cwd: work, env: quiet })
      await git('init', '--quiet', '--initial-branch=main')
      await git('add', '--all')
      await git('commit', '--quiet', '--message', 'A buildpack')
      await run('git', ['clone', '--quiet', '--bare', work, join(folder, `${name}.git`)], { env: quiet })
      await run('tar', ['-c', '-z', '-f', join(folder, `${name}.tgz`), '-C', folder, `${name}-work`])
      if (credentials) secrets.set(`${name}.git`, `${credentials.user}:${credentials.password}`)
    },
    async git(name, args) {
      return (await run('git', args, { cwd: join(folder, `${name}.git`), env: quiet })).stdout.trim()
    },
    async stop() {
      plain.closeAllConnections()
      await new Promise((resolve) => plain.close(resolve))
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
  return gitServer
}

/** CGI (RFC 3875), as far as git needs it. */
function backend(req: IncomingMessage, res: ServerResponse, url: URL, folder: string): void {
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...quiet,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(req.headers['git-protocol'] ?? ''),
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: req.method ?? 'GET',
      CONTENT_TYPE: req.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: req.headers['content-encoding'] ?? '',
    },
  })
  req.pipe(child.stdin)
  child.stdin.on('error', () => {})
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.once('close', () => {
    const whole = Buffer.concat(chunks)
    const end = whole.indexOf('\r\n\r\n')
    for (const line of whole.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/)
      if (name === 'Status') res.statusCode = Number(value.slice(0, 3))
      else if (name !== '') res.setHeader(name, value)
    }
    res.end(whole.subarray(end + 4))
  })
}
