/** How large an app's config vars may be together: an environment has to carry them. */
export const MAX_CONFIG_BYTES = 64 * 1024

/** As an environment has them: `NAME=value` and a NUL each. */
export function configBytes(config: Iterable<readonly [name: string, value: string]>): number {
  let bytes = 0
  for (const [name, value] of config) bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 2
  return bytes
}
