/** ◆ What is known of frameworks: their names, what their builds leave to run, and which commands only serve developers. */
import type { NodeApp } from './app.ts'
import type { PackageJson } from './package-json.ts'

const names: Record<string, string> = {
  next: 'Next.js',
  nuxt: 'Nuxt',
  '@nestjs/core': 'Nest',
  '@sveltejs/kit': 'SvelteKit',
  astro: 'Astro',
  express: 'Express',
  fastify: 'Fastify',
  koa: 'Koa',
  hono: 'Hono',
  vite: 'Vite',
}

/** The framework's name for the pusher; null when none is known. */
export function frameworkOf({ dependencies, devDependencies }: PackageJson): string | null {
  const found = Object.entries(names).find(
    ([name]) => dependencies.has(name) || (name !== 'koa' && devDependencies.has(name)),
  )
  return found?.[1] ?? null
}

type Server = { package: string; file: string; command: string }

/**
 * Servers that a build leaves: run when the package is there and the file too. They listen where HOSTNAME or HOST says, which
 * in a sandbox is its own name.
 * @param path the app's folder in its workspace, which Next.js repeats in what it leaves
 */
const serversIn = (path: string | null): Server[] => {
  const standalone = `.next/standalone/${path === null ? '' : `${path}/`}server.js`
  return [
    { package: 'next', file: standalone, command: `HOSTNAME=0.0.0.0 node ${standalone}` },
    { package: 'nuxt', file: '.output/server/index.mjs', command: 'node .output/server/index.mjs' },
    { package: '@sveltejs/adapter-node', file: 'build/index.js', command: 'node build/index.js' },
    { package: '@astrojs/node', file: 'dist/server/entry.mjs', command: 'HOST=0.0.0.0 node dist/server/entry.mjs' },
    { package: '@nestjs/core', file: 'dist/main.js', command: 'node dist/main.js' },
    { package: '@nestjs/core', file: 'dist/src/main.js', command: 'node dist/src/main.js' },
  ]
}

/** Folders with an index.html that builds leave, the likeliest first. */
const sites = ['dist', 'build', 'out', '_site', 'public', 'www', 'docs/.vitepress/dist', '.vitepress/dist', '.']

/** Every file that decides what runs after a build. */
export const builtFiles = (path: string | null): string[] => [
  ...serversIn(path).map(({ file }) => file),
  ...sites.map((folder) => indexOf(folder)),
]

const indexOf = (folder: string): string => (folder === '.' ? 'index.html' : `${folder}/index.html`)

/** The folder of the site that a build left; null when there is none. */
export const siteFolder = (built: ReadonlySet<string>): string | null =>
  sites.find((folder) => built.has(indexOf(folder))) ?? null

/**
 * What to run instead of the start script, or without one.
 * @returns null when there is nothing better; `npm run …` names a script
 */
export function replacementFor(
  { package: json, path }: NodeApp,
  start: string | null,
  built: ReadonlySet<string>,
): string | null {
  const { scripts, dependencies, devDependencies } = json
  if (start !== null && !isDevelopmentServer(start) && !isNextStart(start)) return null
  const server = serversIn(path).find(
    (each) => (dependencies.has(each.package) || devDependencies.has(each.package)) && built.has(each.file),
  )
  if (server?.package === '@nestjs/core' && scripts.has('start:prod')) return 'npm run start:prod'
  if (server) return server.command
  return start === null && dependencies.has('next') && !built.has('out/index.html') ? 'next start' : null
}

const isNextStart = (command: string): boolean => /^next start\b/.test(withoutAssignments(command))

/** Whether a start command can serve an app: not a developer's server, and not Next.js's for a site that was exported. */
export const canServe = (command: string, built: ReadonlySet<string>): boolean =>
  !isDevelopmentServer(command) && !(isNextStart(command) && built.has('out/index.html'))

const developmentServers = [
  /^vite(?:\s+(?:dev|serve|preview))?(?:\s+-|$)/,
  /^(?:react-scripts|react-app-rewired|craco) start\b/,
  /^(?:vue-cli-service|ng|webpack) serve\b/,
  /^webpack-dev-server\b/,
  /^parcel\b(?! build)/,
  /^(?:astro|next|nuxt|nuxi) dev\b/,
  /^astro preview\b/,
  /^gatsby (?:develop|serve)\b/,
  /^nest start\b/,
  /^vitepress (?:dev|serve|preview)\b/,
]

/** Whether a command is a server for developers: it builds on demand, listens on localhost, and is gone after the build. */
const isDevelopmentServer = (command: string): boolean =>
  developmentServers.some((pattern) => pattern.test(withoutAssignments(command)))

const withoutAssignments = (command: string): string => command.trim().replace(/^(?:[A-Za-z_]+=\S*\s+)+/, '')
