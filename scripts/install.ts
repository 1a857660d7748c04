/** `berth install` and `berth uninstall`: Berth's parts as systemd units of this machine. */
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { JOIN_TOKEN } from '#core/contract/enrolment.ts'
import { messageOf } from '#core/domain/errors.ts'
import { readConfig } from '#core/runtime/config.ts'
import { run } from '#core/runtime/process.ts'
import {
  ENVIRONMENT_FILE,
  environmentFile,
  foldersOf,
  roles,
  serviceName,
  TARGET,
  unitsOf,
  type Role,
} from './install/units.ts'
import { environment } from './up/supervise.ts'
import { teardownCommand } from './up/parts.ts'

const UNITS = '/etc/systemd/system'
const PARTS = ['redis', 'controller', 'agent', 'router'] as const

const say = (line: string) => void process.stdout.write(`${line}\n`)

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      role: { type: 'string', default: 'all' },
      controller: { type: 'string' },
      'token-file': { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      // For images of machines, and for tests: files are written below this folder, and nothing is started.
      into: { type: 'string', default: '' },
    },
  })
  if (positionals[0] === 'uninstall') await uninstall()
  else
    await install({
      role: roleOf(values.role),
      controller: values.controller,
      tokenFile: values['token-file'],
      isDry: values['dry-run'],
      into: values.into,
    })
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
}

function roleOf(text: string): Role {
  const role = roles.find((known) => known === text)
  if (role === undefined) throw new Error(`--role must be one of ${roles.join(', ')}, got "${text}".`)
  return role
}

type Wish = { role: Role; controller: string | undefined; tokenFile: string | undefined; isDry: boolean; into: string }

async function install({ role, controller, tokenFile, isDry, into }: Wish): Promise<void> {
  const settings = settingsOf(controller)
  const config = readConfig(settings)
  if ((role === 'agent' || role === 'router') && config.redisEmbedded)
    throw new Error(
      `A machine that is only a host or a router needs the Redis of the others: set BERTH_REDIS_URL, and call install again (docs/hosts.md).`,
    )
  if (role === 'agent' && controller === undefined && settings['BERTH_CONTROLLER_URL'] === undefined)
    throw new Error('A host needs to know its controller: give --controller URL, like https://berth.internal:4001.')
  const token = tokenFile === undefined ? null : await readToken(tokenFile)
  const units = unitsOf(role, { config, path: environment()['PATH'] ?? '' })
  const file = environmentFile(settings)
  if (isDry) {
    for (const { name, text } of units) say(`# ${join(UNITS, name)}\n${text}`)
    return say(`# ${ENVIRONMENT_FILE}\n${hidden(file)}`)
  }
  if (into === '') requireSystemd()
  for (const { name, text } of units) await write(into + join(UNITS, name), text, 0o644)
  await keepOld(into + ENVIRONMENT_FILE)
  await write(into + ENVIRONMENT_FILE, file, 0o600)
  for (const folder of foldersOf(config)) await mkdir(into + folder, { recursive: true, mode: 0o711 })
  await chmod(into + join(config.home, 'redis'), 0o700)
  if (token !== null) await write(into + join(config.home, 'join-token'), `${token}\n`, 0o600)
  if (into !== '') return say(`Written below ${into}: ${units.map(({ name }) => name).join(', ')}.`)
  await run(['systemctl', 'daemon-reload'])
  const services = units.map(({ name }) => name)
  await run(['systemctl', 'enable', ...services])
  await run(['systemctl', 'start', TARGET], { timeoutMs: 300_000 })
  say(`Installed and started: ${services.join(', ')}.`)
  say(`Settings: ${ENVIRONMENT_FILE}. Logs: journalctl -u 'berth-*' -f. After an upgrade: systemctl restart ${TARGET}`)
}

/** The settings of whoever calls become those of the units. */
function settingsOf(controller: string | undefined): Record<string, string> {
  // Whom the CLI speaks to is nothing of the parts'.
  const ofCli = new Set(['BERTH_API_URL', 'BERTH_TOKEN', 'BERTH_APP'])
  const found = Object.entries(process.env).flatMap(([name, value]) =>
    name.startsWith('BERTH_') && !ofCli.has(name) && value !== undefined && value !== ''
      ? [[name, value] as const]
      : [],
  )
  return {
    ...Object.fromEntries(found.sort()),
    ...(controller === undefined ? {} : { BERTH_CONTROLLER_URL: controller }),
  }
}

async function readToken(file: string): Promise<string> {
  const text = (await readFile(file === '-' ? '/dev/stdin' : file, 'utf8')).trim()
  if (!JOIN_TOKEN.test(text))
    throw new Error(`${file} holds no join token. It is what \`berth hosts:add HOST\` prints on the controller.`)
  return text
}

/** @throws where units cannot be installed */
function requireSystemd(): void {
  if (!existsSync('/run/systemd/system'))
    throw new Error(
      'systemd does not run this machine. `npm run up` starts Berth without it; --dry-run prints the units.',
    )
  if (process.getuid?.() !== 0) throw new Error('Units are installed by root: call it with sudo.')
}

async function write(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text, { mode })
  await chmod(path, mode)
}

/** What an operator wrote there is not lost. */
async function keepOld(path: string): Promise<void> {
  if (existsSync(path)) await copyFile(path, `${path}.old`)
}

function hidden(file: string): string {
  return file.replace(/^(\w*(?:TOKEN|KEY|SECRET|REDIS_URL)\w*=).*$/gm, '$1"…"')
}

/** Units and what runs go; data, settings and caches stay. */
async function uninstall(): Promise<void> {
  requireSystemd()
  const services = [TARGET, ...PARTS.map(serviceName)].filter((name) => existsSync(join(UNITS, name)))
  if (services.length === 0) return say('No unit of Berth is installed here.')
  const config = readConfig({ ...(await settingsOfUnits()), ...settingsOf(undefined) })
  for (const name of services) await run(['systemctl', 'disable', '--now', name], { timeoutMs: 120_000 })
  if (services.includes(serviceName('agent')))
    await run(teardownCommand(), { timeoutMs: 120_000, env: { ...environment(), BERTH_HOME: config.home } })
  for (const name of services) await rm(join(UNITS, name), { force: true })
  await run(['systemctl', 'daemon-reload'])
  say(`Uninstalled: ${services.join(', ')}. The data is still in ${config.home}, the settings in ${ENVIRONMENT_FILE}.`)
}

async function settingsOfUnits(): Promise<Record<string, string>> {
  const text = await readFile(ENVIRONMENT_FILE, 'utf8').catch(() => '')
  const found = [...text.matchAll(/^(BERTH_\w+)="((?:[^"\\]|\\.)*)"$/gm)]
  return Object.fromEntries(found.map(([, name = '', value = '']) => [name, value.replace(/\\(.)/g, '$1')]))
}
