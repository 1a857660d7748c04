/** How runtimes of the shared store appear inside a sandbox. */
import type { RuntimeRef } from '#core/domain/slug.ts'
import type { BindMount } from './sandbox/spec.ts'

export type Runtimes = {
  /** Installs what is missing. @returns the mounts, and the folders for PATH */
  mounts(refs: RuntimeRef[], signal: AbortSignal): Promise<{ binds: BindMount[]; path: string[] }>
}

/** @param install makes sure a runtime is in the store and returns its folder there */
export function createRuntimes(install: (ref: RuntimeRef) => Promise<string>): Runtimes {
  return {
    async mounts(refs) {
      const folders = await Promise.all(refs.map(install))
      return {
        binds: refs.map(({ name }, index) => ({
          source: folders[index] ?? '',
          target: `/opt/runtimes/${name}`,
          readOnly: true,
        })),
        path: refs.map(({ name }) => `/opt/runtimes/${name}/bin`),
      }
    },
  }
}
