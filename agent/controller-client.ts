/** What the agent asks the controller over HTTP: launch and build specs, sources, and layers. */
import { createReadStream, createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  buildPath,
  buildpackPath,
  buildSpec,
  jobsKeyAnswer,
  jobsKeyPath,
  launchPath,
  launchSpec,
  layerPath,
  sourcePath,
  storeLoginAnswer,
  storeLoginPath,
  type BuildSpec,
  type LaunchSpec,
  type StoreLoginAnswer,
} from '#core/contract/internal.ts'
import { parse } from '#core/contract/schema.ts'
import { BerthError, unavailable } from '#core/domain/errors.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { DeployId, InstanceId, LayerDigest } from '#core/domain/ids.ts'
import { download as resumable } from './download.ts'
import type { Asked } from './identity/ask.ts'
import type { ControllerDoor } from './identity/index.ts'

export type ControllerClient = {
  /** As whom to speak to Redis from now on; null: as the setting says. */
  storeLogin(signal: AbortSignal): Promise<StoreLoginAnswer['login']>
  /** The public key that jobs are checked with, as PEM. */
  jobsKey(signal: AbortSignal): Promise<string>
  launch(id: InstanceId, signal: AbortSignal): Promise<LaunchSpec>
  build(id: DeployId, signal: AbortSignal): Promise<BuildSpec>
  downloadSource(id: DeployId, file: string, signal: AbortSignal): Promise<void>
  /** @param file made anew: what is there already, a link too, is an error */
  downloadBuildpack(name: string, ref: string | null, file: string, signal: AbortSignal): Promise<void>
  /** Goes on where an earlier try broke off, if the file holds the beginning. */
  downloadLayer(digest: LayerDigest, file: string, signal: AbortSignal): Promise<void>
  /** Whether the controller has it; if so, it keeps it for the build that asks. */
  hasLayer(digest: LayerDigest, signal: AbortSignal): Promise<boolean>
  uploadLayer(digest: LayerDigest, file: string, bytes: number, signal: AbortSignal): Promise<void>
}

const RETRY_MS = 500
const PATIENCE_MS = 60_000

export function createControllerClient(door: Pick<ControllerDoor, 'url' | 'ask'>): ControllerClient {
  /** Waits out a restart of the controller: what is asked here can be asked again. */
  async function call(path: string, signal: AbortSignal, asked: Asked = {}): Promise<Response> {
    for (let waited = 0; ; waited += RETRY_MS) {
      try {
        return await once(path, signal, asked)
      } catch (error) {
        const away = error instanceof BerthError && error.code === 'UNAVAILABLE'
        if (!away || waited >= PATIENCE_MS || signal.aborted) throw error
        await sleep(RETRY_MS, signal)
      }
    }
  }

  async function once(path: string, signal: AbortSignal, asked: Asked): Promise<Response> {
    const response = await door.ask(path, asked, signal)
    if (response.ok || response.status === 416 || (asked.method === 'HEAD' && response.status === 404)) return response
    const text = (await response.text()).slice(0, 300)
    if (response.status === 503) throw unavailable(`The controller at ${door.url}`, text)
    throw new Error(`The controller answered ${path} with ${response.status}: ${text}`)
  }

  function download(path: string, file: string, signal: AbortSignal): Promise<void> {
    const ask = (from: number) => call(path, signal, from === 0 ? {} : { headers: { range: `bytes=${from}-` } })
    return resumable({ file, ask, signal, patienceMs: PATIENCE_MS })
  }

  async function downloadAnew(path: string, file: string, signal: AbortSignal): Promise<void> {
    const response = await call(path, signal)
    if (!response.body) throw new Error(`The controller answered ${path} without a body`)
    const target = createWriteStream(file, { mode: 0o600, flags: 'wx' })
    await pipeline(Readable.fromWeb(response.body), target, { signal })
  }

  const hasLayer = async (digest: LayerDigest, signal: AbortSignal): Promise<boolean> =>
    (await call(layerPath(digest), signal, { method: 'HEAD' })).ok

  return {
    async storeLogin(signal) {
      const response = await call(storeLoginPath, signal, { method: 'POST' })
      return parse(storeLoginAnswer, await response.json(), 'store login').login
    },
    async jobsKey(signal) {
      return parse(jobsKeyAnswer, await (await call(jobsKeyPath, signal)).json(), 'key of jobs').publicKey
    },
    launch: async (id, signal) => parse(launchSpec, await (await call(launchPath(id), signal)).json(), 'launch spec'),
    build: async (id, signal) => parse(buildSpec, await (await call(buildPath(id), signal)).json(), 'build spec'),
    downloadSource: (id, file, signal) => download(sourcePath(id), file, signal),
    downloadBuildpack: (name, ref, file, signal) => downloadAnew(buildpackPath(name, ref), file, signal),
    downloadLayer: (digest, file, signal) => download(layerPath(digest), file, signal),
    hasLayer,
    async uploadLayer(digest, file, bytes, signal) {
      if (await hasLayer(digest, signal)) return
      const sent = { 'content-length': String(bytes), 'content-type': 'application/octet-stream' }
      const body = () => createReadStream(file)
      await call(layerPath(digest), signal, { method: 'PUT', headers: sent, body })
    },
  }
}
