/** What the agent asks the controller over HTTP: launch and build specs, sources, and layers. */
import { createReadStream, createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  buildPath,
  buildSpec,
  launchPath,
  launchSpec,
  layerPath,
  sourcePath,
  type BuildSpec,
  type LaunchSpec,
} from '#core/contract/internal.ts'
import { parse } from '#core/contract/schema.ts'
import { unavailable } from '#core/domain/errors.ts'
import type { DeployId, InstanceId, LayerDigest } from '#core/domain/ids.ts'

export type ControllerClient = {
  launch(id: InstanceId, signal: AbortSignal): Promise<LaunchSpec>
  build(id: DeployId, signal: AbortSignal): Promise<BuildSpec>
  downloadSource(id: DeployId, file: string, signal: AbortSignal): Promise<void>
  downloadLayer(digest: LayerDigest, file: string, signal: AbortSignal): Promise<void>
  uploadLayer(digest: LayerDigest, file: string, bytes: number, signal: AbortSignal): Promise<void>
}

export function createControllerClient(url: string, token: string): ControllerClient {
  const headers = { authorization: `Bearer ${token}` }

  async function call(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(`${url}${path}`, { ...init, headers: { ...headers, ...init.headers } }).catch(
      (cause: unknown) => {
        throw unavailable(`The controller at ${url}`, cause)
      },
    )
    if (!response.ok && init.method !== 'HEAD') {
      const text = (await response.text()).slice(0, 300)
      throw new Error(`The controller answered ${path} with ${response.status}: ${text}`)
    }
    return response
  }

  async function download(path: string, file: string, signal: AbortSignal): Promise<void> {
    const response = await call(path, { signal })
    if (!response.body) throw new Error(`The controller answered ${path} without a body`)
    await pipeline(Readable.fromWeb(response.body), createWriteStream(file, { mode: 0o600 }), { signal })
  }

  return {
    launch: async (id, signal) =>
      parse(launchSpec, await (await call(launchPath(id), { signal })).json(), 'launch spec'),
    build: async (id, signal) => parse(buildSpec, await (await call(buildPath(id), { signal })).json(), 'build spec'),
    downloadSource: (id, file, signal) => download(sourcePath(id), file, signal),
    downloadLayer: (digest, file, signal) => download(layerPath(digest), file, signal),
    async uploadLayer(digest, file, bytes, signal) {
      const stored = await call(layerPath(digest), { method: 'HEAD', signal })
      if (stored.ok) return
      const body = Readable.toWeb(createReadStream(file)) as ReadableStream
      await call(layerPath(digest), {
        method: 'PUT',
        body,
        duplex: 'half',
        headers: { 'content-length': String(bytes), 'content-type': 'application/octet-stream' },
        signal,
      } as RequestInit)
    },
  }
}
