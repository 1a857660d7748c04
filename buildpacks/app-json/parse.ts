/**
 * app.json (https://devcenter.heroku.com/articles/app-json-schema), with what Dokku added to it: `cron` and `healthchecks`.
 * What it says and Berth does not know is left out with a word; what it says wrongly is refused by its line. Pure.
 */
import { readBuildpack, type BuildpackSource } from '#core/domain/buildpack.ts'
import { isConfigName, platformVariables } from '#core/domain/app.ts'
import type { CronJob } from '#core/domain/cron.ts'
import type { HealthCheck } from '#core/domain/health-check.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import { readSize, type Manifest } from '#core/domain/manifest.ts'
import { readCron } from './cron.ts'
import {
  commandOf,
  itemsOf,
  memberOf,
  membersOf,
  openFile,
  renamed,
  textOf,
  truthOf,
  typeOf,
  wholeOf,
  wrong,
  type Field,
  type Ignore,
} from './fields.ts'
import { readHealth } from './health.ts'

export type AppJson = {
  manifest: Manifest
  /** Config vars without which a first deploy makes no sense. */
  required: string[]
  buildpacks: BuildpackSource[]
  health: Partial<Record<ProcessType, HealthCheck>>
  cron: CronJob[]
  /** What was left out, as paths with the reason. */
  ignored: string[]
}

export const emptyAppJson: AppJson = {
  manifest: { postdeploy: null, formation: {}, env: {} },
  required: [],
  buildpacks: [],
  health: {},
  cron: [],
  ignored: [],
}

/** They tell people about the app, and change nothing of it. */
const descriptive = new Set([
  '$schema',
  'name',
  'description',
  'keywords',
  'website',
  'repository',
  'logo',
  'success_url',
])
const reasons: Record<string, string> = {
  addons: 'Berth has no add-ons; give the addresses of services as config vars',
  stack: 'an app runs on the stack of its host',
  environments: 'there are no review apps or test runs here',
  image: 'apps are built from their source',
}

/** @throws BuildFailure that names the line, the field, its value and what it must be */
export function parseAppJson(text: string): AppJson {
  const file = openFile(text)
  const ignored: string[] = []
  const ignore: Ignore = (path, why = 'Berth does not know it') => ignored.push(`"${path.slice(0, 80)}": ${why}`)
  const readers: Record<string, (field: Field) => Partial<AppJson>> = {
    scripts: (field) => ({ manifest: { ...app.manifest, postdeploy: readScripts(field, ignore) } }),
    formation: (field) => ({ manifest: { ...app.manifest, formation: readFormation(field, ignore) } }),
    env: (field) => readEnv(field, app.manifest, ignore),
    buildpacks: (field) => ({ buildpacks: itemsOf(field).map((item) => readOneBuildpack(item, ignore)) }),
    cron: (field) => ({ cron: readCron(field, ignore) }),
    healthchecks: (field) => ({ health: readHealth(field, ignore) }),
  }
  let app = emptyAppJson
  for (const [name, field] of membersOf(file)) {
    if (descriptive.has(name) || memberOf(file, name) === null) continue
    if (Object.hasOwn(readers, name)) app = { ...app, ...readers[name]?.(field) }
    else ignore(name, reasons[name])
  }
  return { ...app, ignored }
}

// ── scripts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function readScripts(field: Field, ignore: Ignore): string | null {
  for (const [name, { path }] of membersOf(field)) if (name !== 'postdeploy') ignore(path, 'only postdeploy is run')
  const found = memberOf(field, 'postdeploy')
  if (found === null) return null
  // Heroku takes a command with a size, too.
  const command = found.json.kind === 'object' ? memberOf(found, 'command') : found
  return command && commandOf(command)
}

// ── formation ────────────────────────────────────────────────────────────────────────────────────────────────────────

const MAX_QUANTITY = 1000

function readFormation(field: Field, ignore: Ignore): Manifest['formation'] {
  const formation: Manifest['formation'] = {}
  for (const [type, process] of membersOf(field)) {
    for (const [name, { path }] of membersOf(process)) if (name !== 'quantity' && name !== 'size') ignore(path)
    const quantity = memberOf(process, 'quantity')
    const size = memberOf(process, 'size')
    formation[typeOf(type, process)] = {
      quantity: quantity && wholeOf(quantity, 0, MAX_QUANTITY),
      size: size && sizeOf(size),
    }
  }
  return formation
}

function sizeOf(field: Field) {
  const size = readSize(textOf(field, 'a size in double quotes'))
  if (size === null) throw wrong(field, 'one of Heroku’s sizes such as "standard-1x", or memory such as "512M"')
  return size
}

// ── env ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

const MAX_VALUE = 65_536

function readEnv(field: Field, manifest: Manifest, ignore: Ignore): Pick<AppJson, 'manifest' | 'required'> {
  const env: Manifest['env'] = {}
  const required: string[] = []
  for (const [name, variable] of membersOf(field)) {
    if (!isConfigName(name)) throw wrong(renamed(variable, name), 'named by letters, digits and _, like DATABASE_URL')
    if (platformVariables.has(name)) {
      ignore(variable.path, 'it is set by the platform')
      continue
    }
    const found = readVariable(variable, ignore)
    if (found === 'required') required.push(name)
    else if (found !== 'optional') env[name] = found
  }
  return { manifest: { ...manifest, env }, required }
}

function readVariable(field: Field, ignore: Ignore): Manifest['env'][string] | 'required' | 'optional' {
  if (field.json.kind === 'text') return { value: valueOf(field) }
  for (const [name, { path }] of membersOf(field))
    if (!['value', 'required', 'generator', 'description'].includes(name)) ignore(path)
  const value = memberOf(field, 'value')
  const generator = memberOf(field, 'generator')
  if (generator && textOf(generator) !== 'secret') throw wrong(generator, '"secret"')
  const required = memberOf(field, 'required')
  const isRequired = required === null || truthOf(required)
  if (value) return { value: valueOf(value) }
  if (generator) return { generator: 'secret' }
  return isRequired ? 'required' : 'optional'
}

function valueOf(field: Field): string {
  const value = textOf(field, 'text in double quotes; a number too')
  if (value.length > MAX_VALUE || value.includes('\0'))
    throw wrong(field, `at most ${MAX_VALUE} characters without a NUL`)
  return value
}

// ── buildpacks ───────────────────────────────────────────────────────────────────────────────────────────────────────

function readOneBuildpack(field: Field, ignore: Ignore): BuildpackSource {
  for (const [name, { path }] of membersOf(field)) if (name !== 'url') ignore(path)
  const url = memberOf(field, 'url')
  if (url === null) throw wrong(field, 'an object with a "url"')
  const read = readBuildpack(textOf(url))
  if (read.ok) return read.source
  throw wrong(renamed(url, '…'), `a buildpack: ${read.why}`)
}
