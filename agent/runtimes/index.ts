/**
 * The runtimes of a sandbox, from two sources: npm packages, each a folder mounted at /opt/runtimes/NAME, and packages of
 * the stack's own Debian, laid over its root. Both are made once per machine and shared by all apps.
 */
import { messageOf, runtimeNotInStack } from '#core/domain/errors.ts'
import { isDebianRuntime, type RuntimeName, type RuntimeRef } from '#core/domain/slug.ts'
import { DEBIAN_RELEASE } from '#core/domain/stack.ts'
import type { BindMount } from '../sandbox/spec.ts'
import type { Progress } from '../stack.ts'
import { clearPreparing, ensureDebianRuntime, nameOf, type DebianContext, type DebianRequest } from './debian.ts'
import { installRuntime, installWithHeaders, resolveRuntime, type NpmContext } from './npm.ts'
import { chooseDebianVersion, versionsOf } from './packages.ts'
import { openRoots } from './roots.ts'

export type Runtimes = {
  /**
   * The exact version that serves a need.
   * @throws RUNTIME_NOT_FOUND
   */
  resolve(request: { name: RuntimeName; range: string }): Promise<RuntimeRef>
  /** Makes what is missing, and mounts it. */
  mounts(refs: RuntimeRef[], options: MountOptions): Promise<Mounted>
  /** Unmounts the roots that none of these needs and nothing used lately. */
  collect(inUse: { root: string; refs: RuntimeRef[] }[]): Promise<void>
  /** Ends what is being made. */
  stop(): Promise<void>
}

/** @property root the mounted stack */
export type MountOptions = { root: string; onProgress: Progress; signal: AbortSignal }
/** What a sandbox gets: its root, what is mounted into it, and the folders for PATH. */
export type Mounted = { root: string; binds: BindMount[]; path: string[] }

export type RuntimesContext = {
  /** Makes sure that a runtime is there. @returns the folder of an npm package, the image of a Debian runtime */
  installPackage: (ref: RuntimeRef) => Promise<string>
  /** A version of Node, for builds that compile. @returns the folder */
  installWithHeaders: (version: string) => Promise<string>
  installDebian: (request: DebianRequest, onProgress: Progress, signal: AbortSignal) => Promise<string>
  resolvePackage: (request: { name: RuntimeName; range: string }) => Promise<RuntimeRef>
  /** Where roots are mounted; of this Berth alone. */
  folder: string
  now: () => number
}

/** The runtimes of a host. What an agent that was killed left half prepared goes. */
export async function openRuntimes(
  npm: NpmContext,
  debian: DebianContext,
  { folder, now }: Pick<RuntimesContext, 'folder' | 'now'>,
): Promise<Runtimes> {
  await clearPreparing(debian.folder)
  return createRuntimes({
    installPackage: (ref) => installRuntime(ref, npm),
    installWithHeaders: (version) => installWithHeaders(version, npm),
    installDebian: (request, onProgress, signal) => ensureDebianRuntime(request, debian, onProgress, signal),
    resolvePackage: (request) => resolveRuntime(request, npm),
    folder,
    now,
  })
}

export function createRuntimes(context: RuntimesContext): Runtimes {
  const roots = openRoots(context.folder, context.now)
  const stopping = new AbortController()
  const underWay = new Map<string, Preparation>()

  /** Whoever needs a runtime that is being made waits for it and reads along; who leaves does not end it for the others. */
  async function imageOf(request: DebianRequest, { onProgress, signal }: MountOptions): Promise<string> {
    const key = JSON.stringify(request)
    const preparation = underWay.get(key) ?? begin(key, request)
    preparation.readers.add(onProgress)
    try {
      return await orAborted(preparation.image, signal)
    } finally {
      preparation.readers.delete(onProgress)
    }
  }

  function begin(key: string, request: DebianRequest): Preparation {
    const readers = new Set<Progress>()
    const tell = (line: string) => readers.forEach((read) => read(line))
    const image = context.installDebian(request, tell, stopping.signal).finally(() => underWay.delete(key))
    const preparation: Preparation = { image, readers }
    underWay.set(key, preparation)
    return preparation
  }

  /** What is compiled for Node needs its headers. Without them node-gyp fetches some itself, where it is let. */
  async function folderOf(ref: RuntimeRef, compiles: boolean, onProgress: Progress): Promise<string> {
    if (ref.name !== 'node' || !compiles) return context.installPackage(ref)
    try {
      return await context.installWithHeaders(ref.version)
    } catch (error) {
      onProgress(`the headers of Node ${ref.version} are not there: ${messageOf(error)}`)
      return context.installPackage(ref)
    }
  }

  return {
    resolve: async ({ name, range }) =>
      isDebianRuntime(name) ? resolveDebian(name, range) : context.resolvePackage({ name, range }),
    async mounts(refs, options) {
      const packaged = refs.filter(({ name }) => !isDebianRuntime(name))
      const compiles = refs.some(({ name }) => name === 'toolchain')
      const [root, folders] = await Promise.all([
        Promise.all(requestsOf(refs, options.root).map((request) => imageOf(request, options))).then((images) =>
          roots.over(options.root, images),
        ),
        Promise.all(packaged.map((ref) => folderOf(ref, compiles, options.onProgress))),
      ])
      return {
        root,
        binds: packaged.map(({ name }, index) => ({
          source: folders[index] ?? '',
          target: `/opt/runtimes/${name}`,
          readOnly: true,
        })),
        path: packaged.map(({ name }) => `/opt/runtimes/${name}/bin`),
      }
    },
    async collect(inUse) {
      const needed = inUse.map(({ root, refs }) => roots.placeOf(root, requestsOf(refs, root).map(nameOf)))
      await roots.collect(new Set(needed))
    },
    async stop() {
      stopping.abort()
      await Promise.allSettled([...underWay.values()].map(({ image }) => image))
    },
  }
}

type Preparation = { image: Promise<string>; readers: Set<Progress> }

const requestsOf = (refs: RuntimeRef[], root: string): DebianRequest[] =>
  refs.flatMap(({ name, version }) => (isDebianRuntime(name) ? [{ name, version, root }] : []))

function resolveDebian(name: DebianRequest['name'], range: string): RuntimeRef {
  const there = versionsOf(DEBIAN_RELEASE, name)
  const chosen = chooseDebianVersion(range, there)
  if (chosen === null)
    throw runtimeNotInStack(
      name,
      range,
      there.map(({ version }) => version),
    )
  return { name, version: chosen.version }
}

/** Waits no longer than until the signal. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason as Error)
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
