import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { slotOf, waitFor, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

type Usage = { usage: Record<string, number> }

export const metering = (start: Start): void =>
  void describe('Metering through kill -9 of any part', () => {
    let world: World
    let slot: string
    before(async function () {
      this.timeout(180_000)
      world = await start()
      slot = await slotOf(world.home)
      await world.cli(['create', 'busy'])
      // The build, the web process and a worker that keeps at it: all of it counts.
      const { code, output } = await world.pushApp('busy', 'node-plain', {
        change: {
          Procfile: 'web: node server.js\nworker: node worker.js\n',
          'worker.js': 'setInterval(() => { const end = Date.now() + 8; while (Date.now() < end); }, 20)\n',
        },
      })
      assert.equal(code, 0, output)
      await world.cli(['scale', 'worker=1', '-a', 'busy'])
    })

    /** What the kernel counted, since the beginning, for all that tenants ever ran on this host. */
    function kernelCpu(): number {
      const v1 = existsSync('/sys/fs/cgroup/cpuacct')
      const of = (path: string) => {
        if (v1) return Number(readFileSync(`/sys/fs/cgroup/cpuacct/${path}/cpuacct.usage`, 'utf8')) / 1e9
        return Number(/^usage_usec (\d+)$/m.exec(readFileSync(`/sys/fs/cgroup/${path}/cpu.stat`, 'utf8'))?.[1]) / 1e6
      }
      const output = `berth-${slot}/_output`
      return of(`berth-${slot}`) - (existsSync(`/sys/fs/cgroup/${v1 ? 'cpuacct/' : ''}${output}`) ? of(output) : 0)
    }

    const meteredCpu = async () => {
      const ran = await world.cli(['usage', '-a', 'busy', '--json'], { allowFailure: true })
      return ran.code === 0 ? ((JSON.parse(ran.stdout) as Usage).usage['cpuSeconds'] ?? 0) : -1
    }

    for (const part of ['agent', 'controller', 'redis'] as const) {
      it(`nothing is lost or counted twice when the ${part} is killed while apps are busy`, async function () {
        this.timeout(90_000)
        const before = kernelCpu()
        await wait(1_500)
        await world.killPart(part)
        await wait(1_500)
        // A life that ends while the part is still coming back has its last sample delivered all the same.
        await world.cli(['ps:restart', '-a', 'busy'], { allowFailure: true })
        const target = kernelCpu()
        assert.ok(target - before > 0.3, `the worker was busy: ${target - before} s`)
        await waitFor(async () => (await meteredCpu()) >= target, {
          timeoutMs: 40_000,
          what: `${target} s in the ledger`,
        })
        assert.ok((await meteredCpu()) <= kernelCpu() + 0.001, 'no more is counted than the kernel counted')
      })
    }

    it('Prometheus is told the same by the agent, on loopback', async () => {
      const response = await fetch(`http://127.0.0.1:${world.env['BERTH_AGENT_PORT']}/metrics`)
      const text = await response.text()
      assert.match(response.headers.get('content-type') ?? '', /^text\/plain/)
      assert.match(text, /^berth_app_instances\{tenant="default",app="a-[a-z2-7]+"\} [1-9]$/m)
      assert.match(text, /^berth_app_cpu_seconds_total\{tenant="default",app="a-[a-z2-7]+"\} \d+\.\d+$/m)
      assert.match(text, /^berth_meter_spool_bytes 0$/m)
    })

    it('people see what runs and how it is asked, as it happens and as it was', async function () {
      this.timeout(90_000)
      await waitFor(async () => (await world.http('busy', '/')).status === 200, {
        timeoutMs: 30_000,
        what: 'an answer',
      })
      type Top = {
        instances: { name: string; cpuMilliUsed: number | null }[]
        traffic: { requestsPerSecond: number }[]
      }
      const top = async () => JSON.parse((await world.cli(['top', '-a', 'busy', '-n', '1', '--json'])).stdout) as Top
      await waitFor(
        async () => {
          await world.http('busy', '/')
          const { instances, traffic } = await top()
          const worker = instances.find(({ name }) => name === 'worker.1')
          return (worker?.cpuMilliUsed ?? 0) > 0 && (traffic[0]?.requestsPerSecond ?? 0) > 0
        },
        { timeoutMs: 40_000, what: 'live figures' },
      )
      const answered = async () => {
        const { stdout } = await world.cli(['ps', '-a', 'busy', '--json'])
        const { instances } = JSON.parse(stdout) as { instances: { name: string; requests: number | null }[] }
        return instances.find(({ name }) => name === 'web.1')?.requests ?? 0
      }
      await waitFor(async () => (await answered()) > 0, { timeoutMs: 20_000, what: 'requests of the instance' })
      const measured = async () => {
        const { stdout } = await world.cli(['metrics', '-a', 'busy', '--json'])
        const { series } = JSON.parse(stdout) as { series: Record<string, (number | null)[] | undefined> }
        return (name: string) => (series[name] ?? []).some((value) => (value ?? 0) > 0)
      }
      await waitFor(
        async () => {
          const isAbove0 = await measured()
          return ['cpuMilli', 'memoryBytes', 'instances', 'requestsPerSecond', 'p95Ms'].every(isAbove0)
        },
        { timeoutMs: 40_000, what: 'time series' },
      )
    })

    it('in the end the ledger says what the kernel says, within 1 %', async function () {
      this.timeout(60_000)
      await world.cli(['scale', 'web=0', 'worker=0', '-a', 'busy'])
      await waitFor(async () => !(await world.cli(['ps', '-a', 'busy'])).stdout.includes('worker.1'), {
        timeoutMs: 40_000,
        what: 'the end of the instances',
      })
      const kernel = kernelCpu()
      const close = (metered: number) => Math.abs(metered - kernel) <= kernel * 0.01
      await waitFor(async () => close(await meteredCpu()), {
        timeoutMs: 15_000,
        what: `${kernel} s in the ledger`,
      })
      console.log(`      kernel ${kernel.toFixed(3)} s, ledger ${(await meteredCpu()).toFixed(3)} s`)
    })
  })
