/** What must be true before anything is started; each failure is one line that names the setting. */
import { existsSync } from 'node:fs'
import { access, constants, mkdir, readdir, readFile, readlink, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { addressInUse, folderNotUsable } from '#core/domain/errors.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Config } from '#core/runtime/config.ts'

/** @throws FOLDER_NOT_USABLE */
export async function checkFolder(setting: string, path: string): Promise<void> {
  try {
    await makeFolder(path)
    if (!(await stat(path)).isDirectory()) throw new Error('it is not a folder')
    await access(path, constants.W_OK)
  } catch (error) {
    throw folderNotUsable(setting, path, error)
  }
}

/** Level by level: where nothing can be made, below /proc for one, Node's recursive mkdir tries for ever. */
async function makeFolder(path: string): Promise<void> {
  if (existsSync(path)) return
  await makeFolder(dirname(path))
  await mkdir(path, { mode: 0o711 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/** @throws ADDRESS_IN_USE */
export async function checkPorts(config: Config): Promise<void> {
  const wanted = [
    { setting: 'BERTH_API_PORT', address: config.apiAddress, port: config.apiPort },
    { setting: 'BERTH_INTERNAL_PORT', address: config.internalAddress, port: config.internalPort },
    { setting: 'BERTH_HTTP_PORT', address: config.httpAddress, port: config.httpPort },
    { setting: 'BERTH_HTTPS_PORT', address: config.httpAddress, port: config.httpsPort },
    ...(config.sshPort !== 0 && config.sshPortChosen
      ? [{ setting: 'BERTH_SSH_PORT', address: config.apiAddress, port: config.sshPort }]
      : []),
    { setting: 'BERTH_AGENT_PORT', address: '127.0.0.1', port: config.agentPort },
  ]
  for (const { setting, address, port } of wanted) {
    if (await isFree(address, port)) continue
    const holder = await holderOf(port)
    if (holder !== null && (await isOrphan(holder)) && (await becomesFree(address, port))) continue
    throw addressInUse(setting, address, port, holder && (await describe(holder)))
  }
}

/** Workers of a router that was killed serve for a while, lest its successor be missed (router/worker.ts). */
const ORPHANS_MS = 15_000

async function becomesFree(address: string, port: number): Promise<boolean> {
  for (const until = Date.now() + ORPHANS_MS; Date.now() < until; await sleep(100))
    if (await isFree(address, port)) return true
  return false
}

async function isOrphan(pid: string): Promise<boolean> {
  const parent = /\) \S+ (\d+)/.exec(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))?.[1] ?? ''
  return (
    (await commandLine(pid)).includes('router/worker.ts') && !(await commandLine(parent)).includes('router/main.ts')
  )
}

const commandLine = (pid: string): Promise<string> => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')

const describe = async (pid: string): Promise<string> =>
  `${(await readFile(`/proc/${pid}/comm`, 'utf8')).trim()}, pid ${pid}`

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** The pid of the program that listens on a port, as far as /proc tells: its socket's inode, and who has that open. */
async function holderOf(port: number): Promise<string | null> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  )
  const rows = tables
    .join('\n')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const inode = rows.find((columns) => columns[1]?.endsWith(`:${hexPort}`) && columns[3] === '0A')?.[9]
  if (!inode) return null
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
    for (const fd of files) {
      if ((await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')) !== `socket:[${inode}]`) continue
      return pid
    }
  }
  return null
}
