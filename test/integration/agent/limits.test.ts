/** SECURITY §2.3: each limit is exceeded from inside, while a neighbour must not feel it and the host stays as it was. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { followOutput } from '../../../agent/logs.ts'
import type { OutputLine } from '../../../agent/output.ts'
import { cgroupVersion } from '../../../agent/sandbox/cgroup.ts'
import {
  diskUse,
  isSandboxRunning,
  logOf,
  sampleSandbox,
  stopSandbox,
  waitForSandbox,
  type SandboxHandle,
} from '../../../agent/sandbox/index.ts'
import { hugePages } from '../../../agent/sandbox/machine.ts'
import { defaultCeilings } from '#core/domain/resources.ts'
import { startNeighbour, type Neighbour } from '#test/helpers/neighbour.ts'
import { startTestHost, type StartOptions, type TestHost } from '#test/helpers/sandboxes.ts'

const PROBES = join(import.meta.dirname, '..', '..', 'fixtures', 'probes')
const MIB = 1024 * 1024

describe('The limits of a sandbox', function () {
  this.timeout(60_000)
  let world: TestHost
  let neighbour: Neighbour
  before(async function () {
    this.timeout(180_000)
    world = await startTestHost()
    neighbour = await startNeighbour(world)
  })
  after(() => world?.stop())

  const probe = (name: string, ...rest: string[]) => ['python3 /app/limits.py', name, ...rest].join(' ')
  const withProbes = (options: StartOptions = {}): StartOptions => ({ layers: [PROBES], ...options })
  /** Runs a probe to its end, beside the neighbour. */
  const run = (name: string, options?: StartOptions) =>
    neighbour.unharmedBy(() => world.run(probe(name), withProbes(options)))
  /** Starts a probe that does not end by itself, and ends it after the work. */
  const during = <T>(command: string, options: StartOptions, work: (sandbox: SandboxHandle) => Promise<T>) =>
    neighbour.unharmedBy(async () => {
      const sandbox = await world.start(command, withProbes(options))
      try {
        return await work(sandbox)
      } finally {
        await world.remove(sandbox)
      }
    })
  const printed = async (sandbox: SandboxHandle, text: string | RegExp): Promise<string> => {
    for (const until = Date.now() + 20_000; ; await pause(20)) {
      const output = await world.output(sandbox)
      if (typeof text === 'string' ? output.includes(text) : text.test(output)) return output
      assert.ok(Date.now() < until, `did not print ${String(text)}, but: ${output.slice(-500)}`)
    }
  }
  const sampleOf = (sandbox: SandboxHandle) => {
    const sample = sampleSandbox(world.host, sandbox)
    assert.ok(sample)
    return sample
  }

  describe('on processes', () => {
    it('S40: forking ends at the limit', async () => {
      const [count, why] = (await run('forks', { size: { pids: 40 } })).output.split(' ')
      assert.ok(Number(count) > 0 && Number(count) < 40, `${count}`)
      assert.equal(why, 'EAGAIN')
    })

    it('S40: threads count, too', async () => {
      const [count] = (await run('threads', { size: { pids: 40 } })).output.split(' ')
      assert.ok(Number(count) > 0 && Number(count) < 40, `${count}`)
    })

    it('S40: a fork bomb is dead within two seconds of being stopped', async () => {
      await during(probe('fork_bomb'), { size: { pids: 200 } }, async (sandbox) => {
        await printed(sandbox, 'up')
        while (sampleOf(sandbox).pids < 190) await pause(10)
        const began = performance.now()
        await stopSandbox(world.host, sandbox, 0)
        assert.equal(sampleOf(sandbox).pids, 0)
        assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`)
      })
    })

    it('S47: neither zombies nor daemons nor deafness to SIGTERM outlive a stop', async () => {
      await during(probe('zombies'), {}, async (sandbox) => {
        await printed(sandbox, 'up')
        assert.ok(sampleOf(sandbox).pids > 20)
        await stopSandbox(world.host, sandbox, 300)
        assert.equal(await isSandboxRunning(sandbox), false)
        assert.equal(sampleOf(sandbox).pids, 0)
      })
    })
  })

  describe('on memory', () => {
    const small = { size: { memoryMb: 64, diskMb: 512 } }

    for (const kind of ['anonymous', 'memfd', 'shared']) {
      it(`S41, S42: ${kind} memory beyond the limit ends the instance, swap or not, and is told from a crash`, async () => {
        await during(probe(kind), small, async (sandbox) => {
          assert.equal(await waitForSandbox(world.host, sandbox, AbortSignal.timeout(20_000)), 137)
          const { oomKills, memoryPeakBytes } = sampleOf(sandbox)
          assert.ok(oomKills > 0)
          assert.ok(memoryPeakBytes <= 64 * MIB, String(memoryPeakBytes))
          // Memory+swap has the same limit as memory: what does not fit is not swapped out, wherever there is swap.
          if (cgroupVersion() === 'v1') assert.equal(limitOf(sandbox, 'memory.memsw.limit_in_bytes'), 64 * MIB)
          else assert.equal(limitOf(sandbox, 'memory.swap.max'), 0)
        })
      })
    }

    it('S41: when a child is killed for want of memory, the instance ends as a whole', async () => {
      await during(probe('child_hog'), small, async (sandbox) => {
        assert.equal(await waitForSandbox(world.host, sandbox, AbortSignal.timeout(20_000)), 137)
        assert.ok(sampleOf(sandbox).oomKills > 0)
        await pause(50)
        assert.equal(sampleOf(sandbox).pids, 0)
      })
    })

    it('S41, S43: /dev/shm has a size of its own, and counts as memory', async () => {
      const { output } = await run('shm', { size: { memoryMb: 256 } })
      assert.equal(output, '64 ENOSPC')
      await during(probe('shm'), { size: { memoryMb: 48 } }, async (sandbox) => {
        assert.equal(await waitForSandbox(world.host, sandbox, AbortSignal.timeout(20_000)), 137)
      })
    })

    for (const kind of ['page_cache', 'dentries']) {
      it(`S41: ${kind.replace('_', ' ')} is given back instead: nobody is killed`, async () => {
        await during(probe(kind), small, async (sandbox) => {
          assert.equal(await waitForSandbox(world.host, sandbox, AbortSignal.timeout(40_000)), 0)
          const { oomKills, memoryPeakBytes } = sampleOf(sandbox)
          assert.equal(oomKills, 0)
          assert.ok(memoryPeakBytes <= 64 * MIB)
        })
      })
    }

    it('S41: what lies in pipes and sockets counts', async () => {
      await during(probe('buffers'), small, async (sandbox) => {
        const code = await waitForSandbox(world.host, sandbox, AbortSignal.timeout(20_000))
        const { oomKills, memoryPeakBytes } = sampleOf(sandbox)
        assert.ok(code === 0 || (code === 137 && oomKills > 0), `ended with ${code}`)
        assert.ok(memoryPeakBytes > 16 * MIB && memoryPeakBytes <= 64 * MIB, String(memoryPeakBytes))
      })
    })

    it('S41: hardly any can be locked, and no huge page is to be had', async () => {
      await during(`${probe('mlock')}; sleep 30`, {}, async (sandbox) => {
        assert.equal(await printed(sandbox, 'ENOMEM'), '-1 ENOMEM')
        const [controller, file] = cgroupVersion() === 'v1' ? ['hugetlb', 'limit_in_bytes'] : ['', 'max']
        for (const size of await hugePages())
          assert.equal(hostFile(sandbox, controller ?? '', `hugetlb.${size}.${file}`), 0)
      })
    })
  })

  describe('on files', () => {
    it('S43: bytes, reservations, sparse files and names all end at the size of the image, and the host keeps its disk', async () => {
      const free = () => statfsSync(world.host.folder)
      const before = free()
      await during(probe('disk'), { size: { diskMb: 64 } }, async (sandbox) => {
        const found = Object.fromEntries(
          (await printed(sandbox, 'end')).split('\n').map((line) => {
            const [name = '', ...rest] = line.split(' ')
            return [name, rest]
          }),
        )
        assert.ok(Number(found['bytes']?.[0]) <= 64)
        assert.equal(found['bytes']?.[1], 'ENOSPC')
        assert.deepEqual(found['tmp'], ['0', 'ENOSPC'], '/tmp is no second purse')
        assert.equal(found['fallocate']?.[0], 'ENOSPC')
        assert.equal(found['sparse']?.[0], 'EFBIG')
        assert.equal(found['names']?.[1], 'ENOSPC')
        const use = diskUse(world.host, sandbox.id)
        assert.ok(use && use.usedInodes >= use.limitInodes - 1 && use.limitBytes <= 64 * MIB)
        const lost = (before.bavail - free().bavail) * before.bsize
        // Others use the same disk at the same time; the sandbox alone could take 64 MiB.
        assert.ok(statSync(join(world.host.folder, sandbox.id, 'scratch.ext4')).blocks * 512 <= 66 * MIB, String(lost))
      })
      assert.equal(diskUse(world.host, 'i-gone'), null)
    })

    it('S44: descriptors of every kind end at the limit', async () => {
      const { output } = await run('files', { size: { memoryMb: 256 } })
      const found = output.split('\n').map((line) => line.split(' '))
      assert.deepEqual(
        found.map(([name]) => name),
        ['open', 'socket', 'epoll', 'eventfd', 'timerfd', 'inotify', 'flying'],
      )
      for (const [name, count, why] of found) {
        assert.ok(Number(count) < 1024, `${name}: ${count}`)
        assert.match(why ?? '', /^(EMFILE|ETOOMANYREFS|EAGAIN)$/, `${name}`)
      }
    })

    it('S44: a program may raise its own number of files, up to a bound', async () => {
      const { output } = await world.run(probe('limits'), withProbes({ size: { diskMb: 128 } }))
      const [soft, hard, ...fileSize] = output.split(' ').map(Number)
      assert.equal(soft, 1024)
      assert.ok((hard ?? 0) > 1024 && (hard ?? 0) <= 65_536, String(hard))
      assert.deepEqual(fileSize, [128 * MIB, 128 * MIB])
    })

    it('S48: a crash leaves no core and calls no helper of the host', async () => {
      const { code, output } = await run('crash', {})
      assert.equal(code, 139)
      assert.equal(output.includes('core dumped'), false)
      const listing = await world.run(
        `${probe('crash')}; ls /tmp /app; cat /proc/self/limits | grep core`,
        withProbes(),
      )
      assert.doesNotMatch(listing.output, /^core/m)
      assert.match(listing.output, /Max core file size\s+0\s+0/)
      const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8')
      if (pattern.startsWith('|'))
        console.log(`      S48: this host hands cores to a program (${pattern.trim()}); berth doctor says so`)
    })

    it('S51: a storm of synchronous writes goes at its own pace', async () => {
      const { output } = await run('sync_storm', { ceilings: { ioMbPerSecond: 4 } })
      // 12 MiB at 4 MiB/s; the kernel lets a first slice through at once.
      assert.ok(Number(output.split(' ')[1]) > 2, output)
    })

    // A slow pace is its own case: whoever is held back must not hold the host's journal meanwhile.
    for (const ioMbPerSecond of [defaultCeilings.ioMbPerSecond, 4])
      it(`S51: who waits for the disk with every answer gets its turn beside a storm of all kinds at ${ioMbPerSecond} MiB/s`, async () => {
        const journal = await startNeighbour(world, 'journal')
        try {
          await journal.unharmedBy(() => pause(1000))
          const quiet = journal.answers()
          const [written, ofHost] = await journal.unharmedBy(() =>
            during(probe('io_storm', '4'), { ceilings: { ioMbPerSecond } }, async (storm) => {
              const ended = printed(storm, 'end')
              const host = await slowestSync(world.host.folder, ended)
              return [sampleOf(storm).ioWriteBytes, host] as const
            }),
          )
          assert.ok(ofHost < 2000, `the host's own Redis would have waited ${ofHost} ms`)
          assert.ok(written > 2 * ioMbPerSecond * MIB || written > 64 * MIB, `it was a storm: ${written} bytes`)
          const busy = journal.answers()
          const slowest = (all: number[]) => Math.max(...all).toFixed(0)
          console.log(
            `      S51: slowest write to disk: ${slowest(quiet)} ms alone, ${slowest(busy)} ms beside ${(written / MIB).toFixed(0)} MiB, ${ofHost.toFixed(0)} ms on the host`,
          )
        } finally {
          await world.remove(journal.sandbox)
        }
      })

    it('counts what was written to disk', async () => {
      await during(`${probe('sync_storm')}; sleep 30`, {}, async (sandbox) => {
        await printed(sandbox, 'seconds')
        assert.ok(sampleOf(sandbox).ioWriteBytes >= 12 * MIB)
      })
    })
  })

  describe('on the processor', () => {
    it('S45: a hundred spinning threads get their quota and are throttled', async () => {
      await during(probe('spin', '100'), { size: { cpuMilli: 200 } }, async (sandbox) => {
        await printed(sandbox, 'up')
        const from = { sample: sampleOf(sandbox), at: performance.now() }
        while (sampleOf(sandbox).throttledSeconds - from.sample.throttledSeconds < 0.5) await pause(50)
        const to = { sample: sampleOf(sandbox), at: performance.now() }
        const cores = (to.sample.cpuSeconds - from.sample.cpuSeconds) / ((to.at - from.at) / 1000)
        assert.ok(cores < 0.4, `${cores} cores of 0.2`)
      })
    })

    it('S52: no priority above others', async () => {
      const { output } = await run('priorities')
      const [fifo, nice, ioprio, cores] = output.split('\n')
      assert.equal(fifo, 'fifo EPERM')
      assert.match(nice ?? '', /^nice (EPERM|EACCES)$/)
      assert.equal(ioprio, 'ioprio EPERM')
      assert.match(cores ?? '', /^cores \d/)
    })

    it('S53: nobody turns the clock', async () => {
      const { output } = await run('clocks')
      assert.equal(output, 'settime EPERM\nadjtimex EPERM')
    })
  })

  describe('on output', () => {
    /** How many seconds' marks are waited for: that the second is like the first is shown once. */
    const floods = { lines: 2, 'one-line': 1, binary: 1, nul: 1, escapes: 1 }
    for (const [kind, marks] of Object.entries(floods)) {
      it(`S46: a flood (${kind}) is cut to its rate and marked, in flat memory and a bounded file`, async () => {
        const kbPerSecond = 32
        await during(`exec ${probe('flood', kind)}`, { ceilings: { logKbPerSecond: kbPerSecond } }, async (sandbox) => {
          const lines: OutputLine[] = []
          const took = { bytes: 0 }
          const began = performance.now()
          const file = logOf(world.host, sandbox.id)
          const follower = followOutput(file, { from: { file: null, offset: 0 }, kbPerSecond }, (batch) => {
            lines.push(...batch.lines)
            for (const { line, source } of batch.lines) if (source === 'app') took.bytes += Buffer.byteLength(line)
            return Promise.resolve('taken')
          })
          while (lines.filter(({ source }) => source === 'platform').length < marks) await pause(20)
          await follower.stop()
          const seconds = (performance.now() - began) / 1000
          // What is shown may be longer than what was printed: three bytes for one that cannot be shown.
          assert.ok(took.bytes <= 3 * kbPerSecond * 1024 * (seconds + 2), `${took.bytes} bytes in ${seconds} s`)
          assert.match(
            lines.find(({ source }) => source === 'platform')?.line ?? '',
            /^(About )?\d+ lines? dropped: it printed more than 32 KiB a second \(\d+ bytes\)\.$/,
          )
          for (const { line, source } of lines) {
            assert.ok(line.length <= 2049 + 4)
            // Only what the platform says is the platform's, and nothing moves a cursor.
            if (source === 'app') assert.doesNotMatch(line, /^(About )?\d+ lines? dropped/)
            assert.doesNotMatch(line.replaceAll('\t', ''), /\p{Cc}(?!\[[0-9;:]*m)/u)
          }
          assert.ok(memoryOf(conmonOf(sandbox)) < 16 * MIB)
          for (const name of readdirSync(join(file, '..')).filter((one) => one.startsWith('output.log')))
            assert.ok(sizeOf(join(file, '..', name)) <= 17 * MIB)
        })
      })
    }

    it('S46: printing without end costs the host a fifth of a core, not a whole one', async () => {
      await during('exec cat /dev/zero', {}, async (sandbox) => {
        const from = { cpu: cpuOf(conmonOf(sandbox)), at: performance.now() }
        while (cpuOf(conmonOf(sandbox)) - from.cpu < 0.2) await pause(50)
        const cores = (cpuOf(conmonOf(sandbox)) - from.cpu) / ((performance.now() - from.at) / 1000)
        assert.ok(cores < 0.45, `${cores} cores`)
      })
    })
  })

  it('S49, S50: finds no cgroup to write to, and can make neither namespaces nor keys', async () => {
    const { output } = await run('escapes')
    assert.doesNotMatch(output, /WRITTEN|MADE|MOUNTED/)
    assert.doesNotMatch(output, /SEEN .*(release_agent|cgroup\.procs|devices\.allow)/)
    assert.match(output, /core_pattern (EROFS|EACCES)/)
  })

  // ── what is looked at on the host ──────────────────────────────────────────────────────────────────────────────────

  const hostFile = (sandbox: SandboxHandle, controller: string, file: string): number =>
    Number(readFileSync(join('/sys/fs/cgroup', controller, sandbox.cgroup, file), 'utf8'))
  const limitOf = (sandbox: SandboxHandle, file: string): number =>
    hostFile(sandbox, cgroupVersion() === 'v1' ? 'memory' : '', file)
  const conmonOf = (sandbox: SandboxHandle): string =>
    readFileSync(join(world.host.runFolder, 'bundles', sandbox.id, 'conmon.pid'), 'utf8').trim()
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Writes to a file of the host as Redis does to its own, until something has ended. @returns the longest wait, in ms */
async function slowestSync(folder: string, end: Promise<unknown>): Promise<number> {
  const file = await open(join(folder, 'journal'), 'a')
  let [slowest, over] = [0, false]
  const ended = end.finally(() => (over = true))
  ended.catch(() => undefined)
  while (!over) {
    const began = performance.now()
    await file.write('x'.repeat(200))
    await file.datasync()
    slowest = Math.max(slowest, performance.now() - began)
    await pause(20)
  }
  await file.close()
  await ended
  return slowest
}

const memoryOf = (pid: string): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

/** Seconds that a process has used; /proc counts in hundredths. */
function cpuOf(pid: string): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** A file that conmon is replacing is gone for a moment. */
function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
