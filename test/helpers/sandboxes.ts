/** A host of its own for tests of the sandbox: temporary folders, a slot, the real stack image, and nothing left behind. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '#core/runtime/log.ts'
import { readConfig } from '#core/runtime/config.ts'
import { defaultShare, type TenantShare } from '#core/domain/quota.ts'
import { defaultCeilings, defaultResources, type Ceilings, type Resources } from '#core/domain/resources.ts'
import { openHost, releaseSlot } from '../../agent/host.ts'
import { lineAssembler } from '../../agent/logs.ts'
import { killCgroup, removeCgroup } from '../../agent/sandbox/cgroup.ts'
import { unmountBelow } from '../../agent/sandbox/mounts.ts'
import {
  createSandbox,
  logOf,
  removeSandbox,
  waitForSandbox,
  type SandboxHandle,
  type SandboxHost,
} from '../../agent/sandbox/index.ts'
import { APP_PORT } from '../../agent/ports.ts'
import type { PublishedPort } from '../../agent/sandbox/link.ts'
import { loadRuleset, removeNetwork } from '../../agent/sandbox/network.ts'
import type { RulesetInput } from '../../agent/sandbox/ruleset.ts'
import { commandLine } from '../../agent/sandbox/process.ts'

export type TestHost = {
  host: SandboxHost
  /** What its network's rules were made from. */
  rules: RulesetInput
  start(command: string, options?: StartOptions): Promise<SandboxHandle>
  /** Runs a command in a sandbox to its end. */
  run(command: string, options?: StartOptions): Promise<{ code: number | null; output: string }>
  remove(sandbox: SandboxHandle): Promise<void>
  output(sandbox: SandboxHandle): Promise<string>
  stop(): Promise<void>
}
export type StartOptions = {
  size?: Partial<Resources>
  app?: string
  tenant?: string
  ceilings?: Partial<Ceilings>
  share?: Partial<TenantShare>
  env?: Record<string, string>
  published?: PublishedPort
  /** A place on the network; by default one that no other had. */
  index?: number
  layers?: string[]
}

export async function startTestHost(changed: Partial<RulesetInput> = {}): Promise<TestHost> {
  const home = await mkdtemp(join(tmpdir(), 'berth-host-'))
  const config = readConfig({ ...process.env, BERTH_HOME: home })
  const { host, folders, resolvers } = await openHost(config, silentLog)
  const { slot } = host
  const rules = { slot, appPort: APP_PORT, resolvers, platform: [], published: null, routers: [], ...changed }
  await loadRuleset(rules)
  let next = 2

  const test: TestHost = {
    host,
    rules,
    start(
      command,
      {
        size = {},
        app = 'a-one',
        tenant = 'default',
        env = {},
        layers = [],
        ceilings = {},
        share = {},
        index = next++,
        published = null,
      } = {},
    ) {
      return createSandbox(host, {
        id: `i-${index}`,
        tenantId: tenant,
        appId: app,
        uidBase: 0x20000000 + [...app].reduce((sum, c) => sum + c.charCodeAt(0), 0) * 2048,
        hostname: 'web-1',
        argv: commandLine(command),
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', PORT: '5000', ...env },
        size: { ...defaultResources, ...size },
        ceilings: { ...defaultCeilings, ...ceilings },
        share: { ...defaultShare, ...share },
        files: { kind: 'layers', layers },
        binds: [],
        index,
        published,
      })
    },
    async run(command, options) {
      const sandbox = await test.start(command, options)
      try {
        const code = await waitForSandbox(host, sandbox, AbortSignal.timeout(30_000))
        return { code, output: await test.output(sandbox) }
      } finally {
        await test.remove(sandbox)
      }
    },
    remove: (sandbox) => removeSandbox(host, sandbox.id, sandbox.index, sandbox.published, sandbox.cgroup),
    async output(sandbox) {
      const text = await readFile(logOf(host, sandbox.id), 'utf8')
      return lineAssembler()(text)
        .map(({ line }) => line)
        .join('\n')
    },
    async stop() {
      await killCgroup(`/berth-${slot}`)
      await removeNetwork(slot)
      await unmountBelow(folders.agent)
      await removeCgroup(`/berth-${slot}`)
      await releaseSlot(slot)
      await rm(home, { recursive: true, force: true })
    },
  }
  return test
}
