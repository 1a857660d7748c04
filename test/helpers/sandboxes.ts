/** A host of its own for tests of the sandbox: temporary folders, a slot, the real stack image, and nothing left behind. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '#core/runtime/log.ts'
import { readConfig, type Config } from '#core/runtime/config.ts'
import { UID_RANGE } from '#core/domain/app.ts'
import { defaultShare, type TenantShare } from '#core/domain/quota.ts'
import { defaultCeilings, defaultResources, type Ceilings, type Resources } from '#core/domain/resources.ts'
import { openHost, releaseSlot, type Folders } from '../../agent/host.ts'
import { lineAssembler } from '../../agent/output.ts'
import { removeCgroup, slotPath } from '../../agent/sandbox/cgroup.ts'
import { killCgroup } from '../../agent/sandbox/freezer.ts'
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
import type { BindMount } from '../../agent/sandbox/spec.ts'
import type { Streams } from '../../agent/sandbox/streams.ts'
import { commandLine } from '../../agent/sandbox/process.ts'

export type TestHost = {
  host: SandboxHost
  /** What its network's rules were made from. */
  rules: RulesetInput
  config: Config
  folders: Folders
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
  /** Instead of the stack alone. */
  root?: string
  layers?: string[]
  binds?: BindMount[]
  /** A build's: folders instead of layers. */
  workspace?: { app: string; temporary: string }
  /** Instead of what a shell would make of the command. */
  argv?: string[]
  streams?: Streams
}

/** A range of user ids for an app of the tests: other names, as a rule, have another. */
export const uidBaseOf = (app: string): number =>
  0x20000000 + [...app].reduce((sum, c) => sum + c.charCodeAt(0), 0) * UID_RANGE

/** @param options the OCI runtime, instead of the setting's; what differs in the network's rules */
export async function startTestHost(
  options: { runtime?: string; rules?: Partial<RulesetInput> } = {},
): Promise<TestHost> {
  const { runtime } = options
  const home = await mkdtemp(join(tmpdir(), 'berth-host-'))
  const config = readConfig({ ...process.env, BERTH_HOME: home, ...(runtime ? { BERTH_OCI_RUNTIME: runtime } : {}) })
  const { host, folders, resolvers } = await openHost(config, silentLog)
  const { slot } = host
  const rules = { slot, appPort: APP_PORT, resolvers, platform: [], published: null, routers: [], ...options.rules }
  await loadRuleset(rules)
  let next = 2

  const test: TestHost = {
    host,
    rules,
    config,
    folders,
    start(
      command,
      {
        size = {},
        app = 'a-one',
        tenant = 'default',
        env = {},
        root = host.rootPath,
        layers = [],
        binds = [],
        argv,
        streams,
        ceilings = {},
        share = {},
        workspace,
        index = next++,
        published = null,
      } = {},
    ) {
      return createSandbox(host, {
        id: `i-${index}`,
        tenantId: tenant,
        appId: app,
        uidBase: uidBaseOf(app),
        rootPath: root,
        hostname: 'web-1',
        argv: argv ?? commandLine(command),
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', PORT: '5000', ...env },
        size: { ...defaultResources, ...size },
        ceilings: { ...defaultCeilings, ...ceilings },
        share: { ...defaultShare, ...share },
        files: workspace ? { kind: 'workspace', ...workspace } : { kind: 'layers', layers },
        binds,
        index,
        published,
        streams: streams ?? null,
        preparedFolder: null,
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
      await killCgroup(slotPath(slot))
      await removeNetwork(slot)
      await unmountBelow(folders.agent)
      await removeCgroup(slotPath(slot))
      await releaseSlot(slot)
      await rm(home, { recursive: true, force: true })
    },
  }
  return test
}
