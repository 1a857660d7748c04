/**
 * Makes a fresh Debian ready for `npm run up`, `npm test` and the rest: says what is missing and why, installs it, and is
 * quick when nothing is. Plain JavaScript for any Node from 20 on, since it runs before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const purpose = process.argv[2] ?? 'up'
/** `check` needs no system packages, and `image` is for the Dockerfile, where nothing can be mounted. */
const purposes = ['up', 'test', 'bench', 'check', 'image']

/** program → Debian package, and what for. */
const programs = {
  crun: ['crun', "runs tenants' processes in sandboxes"],
  conmon: ['conmon', 'keeps their output and exit codes while the agent restarts'],
  'redis-server': ['redis-server', 'holds all state'],
  nft: ['nftables', 'keeps sandboxes off the host and each other'],
  ip: ['iproute2', 'links sandboxes to the network'],
  'mkfs.erofs': ['erofs-utils', 'packs slugs'],
  mksquashfs: ['squashfs-tools', 'packs the stack image'],
  'mkfs.ext4': ['e2fsprogs', 'makes writable images with a hard limit'],
  mmdebstrap: ['mmdebstrap', 'builds the stack image'],
  git: ['git', 'receives pushes'],
  bwrap: ['bubblewrap', 'keeps git away from all but the repository that it works on'],
  mount: ['mount', 'mounts images'],
}
const testPrograms = {
  ssh: ['openssh-client', 'pushes by SSH in the tests'],
  chromium: ['chromium', 'opens the console in the tests'],
  ps: ['procps', 'shows the tests what still runs'],
  unshare: ['util-linux', 'lets a test be somebody without root'],
  runc: ['runc', 'is a second OCI runtime that the sandbox tests are run with'],
  openssl: ['openssl', 'makes the certificates of the tests'],
  pebble: ['pebble', 'is the certificate authority of the tests'],
  gcc: ['gcc', 'compiles the programs that try to get out of a sandbox'],
}
const benchPrograms = {
  wrk: ['wrk', 'makes the load of the router benchmark'],
  nginx: ['nginx-light', 'is a peer and the upstream of the router benchmark'],
  haproxy: ['haproxy', 'is a peer in the router benchmark'],
  caddy: ['caddy', 'is a peer in the router benchmark'],
  curl: ['curl', 'checks the peers of the router benchmark'],
  taskset: ['util-linux', 'pins the router benchmark to its cores'],
}
/** Packages that come with a service of their own, which would run beside Berth's. */
const services = ['redis-server', 'nginx-light', 'haproxy', 'caddy']
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
const caBundle = '/etc/ssl/certs/ca-certificates.crt'
const searchPath = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']

const librarySearch = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu`).concat('/usr/lib64')

await main().catch((error) => fail(error.message))

async function main() {
  if (!purposes.includes(purpose)) fail(`There is no set-up for ${purpose}. There are: ${purposes.join(', ')}.`)
  if (purpose !== 'check') {
    requireRoot()
    await installPackages()
  }
  await installDependencies()
  await buildConsole()
  if (!['check', 'image'].includes(purpose)) await runScript('build-stack.ts')
  if (purpose === 'test') await runScript('prepare-runtimes.ts')
}

function requireRoot() {
  if (process.getuid?.() === 0) return
  const kept = Object.keys(process.env).filter((name) => name.startsWith('BERTH_'))
  const keep = kept.length > 0 ? ` --preserve-env=${kept.join(',')}` : ''
  const script = purpose === 'test' ? 'npm test' : `npm run ${purpose}`
  fail(
    `Berth needs root on a host: for mounts, namespaces, cgroups, nftables and the users that apps run as. Run:\n` +
      `  sudo${keep} env "PATH=$PATH" ${script}`,
  )
}

async function installPackages() {
  const further = { test: testPrograms, bench: benchPrograms }[purpose]
  const wanted = { ...programs, ...further }
  const missing = Object.entries(wanted).filter(([program]) => !isOnPath(program))
  const packages = missing.map(([, [name, why]]) => ({ name, why }))
  if (!existsSync(keyring)) packages.push({ name: 'debian-archive-keyring', why: "checks the stack image's packages" })
  if (!existsSync(caBundle)) packages.push({ name: 'ca-certificates', why: 'trusts package registries' })
  if (!librarySearch.some((folder) => existsSync(join(folder, 'libatomic.so.1'))))
    packages.push({ name: 'libatomic1', why: 'is a library that Node 26 needs' })
  if (purpose === 'test' && !librarySearch.some((folder) => existsSync(join(folder, 'libc.a'))))
    packages.push({ name: 'libc6-dev', why: 'is linked into the programs that gcc compiles for the tests' })
  if (packages.length === 0) return
  if (!isOnPath('apt-get'))
    fail(
      `These programs are missing, and this is not Debian, so install them yourself: ${packages.map(({ name }) => name).join(', ')}.`,
    )
  for (const { name, why } of packages) say(`${name} is missing: it ${why}`)
  const names = [...new Set(packages.map(({ name }) => name))]
  withoutServices()
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...names]
  await timed(`Installing ${names.join(', ')} from Debian`, async () => {
    let result = await run(['apt-get', 'update', '-q'], { env })
    if (result.code === 0) result = await run(install, { env })
    if (result.code !== 0) {
      const reason =
        result.output
          .split('\n')
          .filter((line) => /^(E|Err)[: ]/.test(line))
          .at(-1) ?? result.output.trim().split('\n').at(-1)
      fail(
        `Debian's packages ${names.join(', ')} could not be installed: ${reason}. Check the package sources in /etc/apt.`,
      )
    }
  })
  const absent = missing
    .filter(([program]) => !isOnPath(program))
    .map(([program, [name]]) => `${program} (package ${name})`)
  if (absent.length > 0)
    fail(
      `Debian says that it is installed, but its program is not there: ${absent.join(', ')}. Try: apt-get install --reinstall.`,
    )
  if (existsSync('/run/systemd/system'))
    for (const name of names.filter((name) => services.includes(name)))
      await run(['systemctl', 'disable', '--quiet', name === 'nginx-light' ? 'nginx' : name])
}

/**
 * Debian would start services of what it installs (policy-rc.d is its way to say no); Berth runs its own. The file goes
 * when this process ends, however it ends, and one that a killed set-up left is known by its text.
 */
function withoutServices() {
  const file = '/usr/sbin/policy-rc.d'
  const text = "#!/bin/sh\n# Berth's set-up is installing packages.\nexit 101\n"
  if (existsSync(file) && readFileSync(file, 'utf8') !== text) return
  writeFileSync(file, text, { mode: 0o755 })
  process.once('exit', () => rmSync(file, { force: true }))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))
}

async function installDependencies() {
  const stamp = join(root, 'node_modules', '.berth-lock')
  const lock = digest([join(root, 'package-lock.json')])
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
    await timed('Installing npm dependencies (with Node 26, which runs Berth)', async () => {
      const { code, output } = await run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root })
      if (code !== 0) fail(`npm ci failed: ${npmErrors(output) || output.trim().split('\n').at(-1)}`)
    })
    writeFileSync(stamp, lock)
  }
  const { node, said } = pinnedNode()
  if (!said.startsWith('v26.'))
    fail(`The pinned Node 26 does not run here: ${node}: ${said}. Berth runs on Linux, x64 or arm64.`)
}

/** The Node that npm brought, and what it says of its version. */
function pinnedNode() {
  const node = join(root, 'node_modules', '.bin', 'node')
  // Two packages, one per architecture, offer this link; npm 9, which Debian 13 has, then makes none.
  const target = join('..', `node-linux-${process.arch}`, 'bin', 'node')
  if (!existsSync(node) && existsSync(join(dirname(node), target))) symlinkSync(target, node)
  const { stdout, stderr, error } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  return { node, said: stdout || stderr?.trim() || error?.message || 'it said nothing' }
}

/** What npm says of its failure, without its prefixes and the lines that are for its own developers. */
function npmErrors(output) {
  const lines = output.split('\n').filter((line) => /^npm (error|ERR!) /.test(line))
  const sentences = lines.map((line) => line.replace(/^npm (error|ERR!) /, ''))
  return sentences
    .filter((line) => !/^(syscall|errno|A complete log|\s*$)/.test(line))
    .slice(0, 3)
    .join(' | ')
}

async function buildConsole() {
  const stamp = join(root, 'console', 'dist', '.sources')
  const sources = digest([
    ...filesBelow(join(root, 'console', 'src')),
    join(root, 'console', 'index.html'),
    join(root, 'console', 'vite.config.ts'),
    join(root, 'package-lock.json'),
  ])
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return
  await timed('Building the web console', async () => {
    const { code, output } = await run(
      [
        join(root, 'node_modules', '.bin', 'node'),
        join(root, 'node_modules', 'vite', 'bin', 'vite.js'),
        'build',
        'console',
      ],
      { cwd: root },
    )
    if (code !== 0) fail(`The console could not be built: ${output.trim().split('\n').slice(-3).join(' | ')}`)
  })
  writeFileSync(stamp, sources)
}

/** One of ours, in TypeScript, which says itself what it does. */
async function runScript(name) {
  const { code } = await run([join(root, 'node_modules', '.bin', 'node'), join(root, 'scripts', name)], {
    cwd: root,
    stream: true,
  })
  if (code !== 0) process.exit(1)
}

// ── small things ─────────────────────────────────────────────────────────────────────────────────────────────────────

function say(line) {
  process.stdout.write(`==> ${line}\n`)
}

function fail(line) {
  process.stderr.write(`${line}\n`)
  process.exit(1)
}

async function timed(what, work) {
  const began = Date.now()
  say(`${what} …`)
  const ticking = setInterval(() => say(`${what}: still at it, ${Math.round((Date.now() - began) / 1000)} s`), 5000)
  try {
    await work()
  } finally {
    clearInterval(ticking)
  }
  say(`${what}: done in ${((Date.now() - began) / 1000).toFixed(1)} s`)
}

/** Runs a program; what it says is kept for errors, or shown as it comes. */
function run([program, ...args], { cwd, env, stream } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ['ignore', stream ? 'inherit' : 'pipe', stream ? 'inherit' : 'pipe'],
    })
    let output = ''
    const keep = (chunk) => (output = (output + chunk).slice(-20_000))
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('error', (error) => reject(new Error(`${program} cannot be run: ${error.message}`)))
    child.on('close', (code) => resolve({ code, output }))
  })
}

function isOnPath(program) {
  return searchPath.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function digest(files) {
  const hash = createHash('sha256')
  for (const file of files)
    if (existsSync(file)) hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0')
  return hash.digest('hex')
}

function filesBelow(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .flatMap((name) =>
      statSync(join(folder, name)).isDirectory() ? filesBelow(join(folder, name)) : [join(folder, name)],
    )
}
