/** What the agent asks the controller over HTTP: launch and build specs, sources, and layers. */
import { createReadStream, createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  buildPath,
  buildpackPath,
  buildSpec,
  launchPath,
  launchSpec,
  layerPath,
  sourcePath,
  type BuildSpec,
  type LaunchSpec,
} from '#core/contract/internal.ts'
import { parse } from '#core/contract/schema.ts'
import { BerthError, unavailable } from '#core/domain/errors.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { DeployId, InstanceId, LayerDigest } from '#core/domain/ids.ts'

export type ControllerClient = {
  launch(id: InstanceId, signal: AbortSignal): Promise<LaunchSpec>
  build(id: DeployId, signal: AbortSignal): Promise<BuildSpec>
  downloadSource(id: DeployId, file: string, signal: AbortSignal): Promise<void>
  /** @param file made anew: what is there already, a link too, is an error */
  downloadBuildpack(name: string, ref: string | null, file: string, signal: AbortSignal): Promise<void>
  downloadLayer(digest: LayerDigest, file: string, signal: AbortSignal): Promise<void>
  uploadLayer(digest: LayerDigest, file: string, bytes: number, signal: AbortSignal): Promise<void>
}

const RETRY_MS = 500
const PATIENCE_MS = 60_000

export function createControllerClient(url: string, token: string): ControllerClient {
  const headers = { authorization: `Bearer ${token}` }

  /** Waits out a restart of the controller: what is asked here can be asked again. */
  async function call(path: string, signal: AbortSignal, init: () => RequestInit = () => ({})): Promise<Response> {
    for (let waited = 0; ; waited += RETRY_MS) {
      try {
        return await once(path, signal, init())
      } catch (error) {
        const away = error instanceof BerthError && error.code === 'UNAVAILABLE'
        if (!away || waited >= PATIENCE_MS || signal.aborted) throw error
        await sleep(RETRY_MS, signal)
      }
    }
  }

  async function once(path: string, signal: AbortSignal, init: RequestInit): Promise<Response> {
    const response = await fetch(`${url}${path}`, {
      ...init,
      signal,
      headers: { ...headers, ...(init.headers as Record<string, string>) },
    }).catch((cause: unknown) => {
      throw unavailable(`The controller at ${url}`, cause)
    })
    if (response.ok || init.method === 'HEAD') return response
    const text = (await response.text()).slice(0, 300)
    if (response.status === 503) throw unavailable(`The controller at ${url}`, text)
    throw new Error(`The controller answered ${path} with ${response.status}: ${text}`)
  }

  async function download(path: string, file: string, signal: AbortSignal, flags = 'w'): Promise<void> {
    const response = await call(path, signal)
    if (!response.body) throw new Error(`The controller answered ${path} without a body`)
    await pipeline(Readable.fromWeb(response.body), createWriteStream(file, { mode: 0o600, flags }), { signal })
  }

  return {
    launch: async (id, signal) => parse(launchSpec, await (await call(launchPath(id), signal)).json(), 'launch spec'),
    build: async (id, signal) => parse(buildSpec, await (await call(buildPath(id), signal)).json(), 'build spec'),
    downloadSource: (id, file, signal) => download(sourcePath(id), file, signal),
    downloadBuildpack: (name, ref, file, signal) => download(buildpackPath(name, ref), file, signal, 'wx'),
    downloadLayer: (digest, file, signal) => download(layerPath(digest), file, signal),
    async uploadLayer(digest, file, bytes, signal) {
      const stored = await call(layerPath(digest), signal, () => ({ method: 'HEAD' }))
      if (stored.ok) return
      const sent = { 'content-length': String(bytes), 'content-type': 'application/octet-stream' }
      // Node's fetch wants to be told that the body is sent before the answer is read.
      const put = () =>
        ({
          method: 'PUT',
          body: Readable.toWeb(createReadStream(file)),
          duplex: 'half',
          headers: sent,
        }) as unknown as RequestInit
      await call(layerPath(digest), signal, put)
    },
  }
}
