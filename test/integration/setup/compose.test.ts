import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml'
import { readConfig } from '#core/runtime/config.ts'
import { partsOf, redisPart } from '../../../scripts/up/parts.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

type Service = {
  image: string
  build?: string
  command: string[]
  environment?: Record<string, string>
  restart: string
  network_mode: string
  privileged?: boolean
  cgroup?: string
  ports?: unknown
  volumes: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck: { test: string[] }
}
type Compose = { services: Record<string, Service>; volumes: Record<string, unknown> }

describe('docker-compose.yml', () => {
  const compose = load(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), {
    schema: CORE_SCHEMA.withTags(mergeTag),
  }) as Compose
  const services = Object.entries(compose.services)
  const service = (name: string): Service => {
    const found = compose.services[name]
    assert.ok(found, `there is no service ${name}`)
    return found
  }

  it('has every part of Berth, each from the same image, restarted, and with a health check', () => {
    assert.deepEqual(Object.keys(compose.services), ['redis', 'controller', 'agent', 'router'])
    assert.deepEqual(
      services.filter(([, { build }]) => build).map(([name]) => name),
      ['redis'],
    )
    for (const [name, { image, restart, healthcheck }] of services) {
      assert.equal(image, 'berth', name)
      assert.equal(restart, 'unless-stopped', name)
      assert.equal(healthcheck.test[0], 'CMD', name)
    }
  })

  it('starts the parts with the same commands as npm run up', () => {
    const config = readConfig({ BERTH_REDIS_URL: 'redis://elsewhere' })
    for (const { name, argv } of partsOf(config)) {
      const [, ...args] = argv.map((arg) => arg.replace(ROOT, ''))
      assert.deepEqual(service(name).command, ['node', ...args])
    }
    assert.deepEqual(service('redis').command, redisPart('/var/lib/berth/redis').argv)
  })

  it('starts them in order: the store, then who decides, then the rest', () => {
    assert.equal(service('redis').depends_on, undefined)
    assert.deepEqual(service('controller').depends_on, { redis: { condition: 'service_healthy' } })
    for (const name of ['agent', 'router'])
      assert.deepEqual(service(name).depends_on, {
        redis: { condition: 'service_healthy' },
        controller: { condition: 'service_healthy' },
      })
  })

  it('opens the store to no network', () => {
    for (const [name, { ports, network_mode }] of services) {
      assert.equal(ports, undefined, name)
      assert.equal(network_mode, 'host', name)
    }
    assert.ok(service('redis').command.join(' ').includes('--port 0 --unixsocket'))
  })

  it('gives the rights of a host to the agent alone', () => {
    assert.deepEqual(
      services.filter(([, { privileged }]) => privileged).map(([name]) => name),
      ['agent'],
    )
    assert.equal(service('agent').cgroup, 'host')
  })

  it('passes every setting of a single machine, with the defaults of npm run up', () => {
    const { environment: all = {} } = service('controller')
    const { NODE_COMPILE_CACHE, ...environment } = all
    const known = ['config', 'sign-on-config']
      .map((name) => readFileSync(join(ROOT, `core/runtime/${name}.ts`), 'utf8'))
      .flatMap((source) => source.match(/(?<=')BERTH_[A-Z_]+(?=')/g) ?? [])
    const notForOneMachine = ['BERTH_JOIN_TOKEN', 'BERTH_CONTROLLER_URL', 'BERTH_CA_BUNDLE']
    assert.deepEqual(
      Object.keys(environment).sort(),
      [...new Set(known)].filter((name) => !notForOneMachine.includes(name)).sort(),
    )
    const settings = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, substitute(value)]))
    const config = { ...readConfig(settings), redisEmbedded: true }
    assert.deepEqual(config, readConfig({ BERTH_GIT_SANDBOX: 'off' }))
    for (const name of ['agent', 'router']) assert.deepEqual(service(name).environment, all)
    for (const { env } of partsOf(config)) if (env) assert.deepEqual(env, { NODE_COMPILE_CACHE })
  })

  it('names only volumes and files that exist', () => {
    for (const [name, { volumes }] of services)
      for (const volume of volumes) {
        const source = volume.split(':')[0] ?? ''
        assert.ok(source.startsWith('/') ? existsSync(source) : source in compose.volumes, `${name}: ${volume}`)
      }
    for (const [, { command, healthcheck }] of services)
      for (const arg of [...command, ...healthcheck.test])
        if (arg.endsWith('.ts')) assert.ok(existsSync(join(ROOT, arg)), arg)
    for (const name of ['Dockerfile', '.dockerignore']) assert.ok(existsSync(join(ROOT, name)), name)
  })
})

/** Compose's `${NAME:-default}`, as in an environment without settings. */
const substitute = (text: string): string => text.replace(/\$\{\w+:-([^}]*)\}/g, '$1')
