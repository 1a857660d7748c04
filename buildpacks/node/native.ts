/** ◆ Whether an app has packages with parts in C or C++, for whose installation a compiler has to be there. */
import { isObject } from '../json-object.ts'
import type { NodeApp, TextFile } from './app.ts'

/**
 * Packages that those with such parts have among their dependencies, since they are compiled with their headers or by them.
 * Not those that come with programs for every machine (`node-gyp-build` alone): they need no compiler.
 */
const helpers = ['nan', 'node-addon-api', 'node-gyp', 'prebuild-install', '@mapbox/node-pre-gyp', 'cmake-js']

/** @returns why there should be compilers, for the pusher; null when nothing speaks for it */
export function compiledParts({ rootNames, lockfiles: [lockfile] }: NodeApp): string | null {
  if (rootNames.includes('binding.gyp')) return 'binding.gyp found'
  const helper = lockfile && helpers.find((name) => isLocked(lockfile, name))
  return helper === undefined ? null : `${lockfile?.name} has ${helper}, by which packages are compiled`
}

const isLocked = ({ name, text }: TextFile, dependency: string): boolean =>
  name.endsWith('.json')
    ? isLockedByNpm(text, dependency)
    : spellings[name]?.(RegExp.escape(dependency)).test(text) === true

const spellings: Record<string, (name: string) => RegExp> = {
  'pnpm-lock.yaml': (name) => new RegExp(`^ {2}['"]?/?${name}[@/]\\d`, 'm'),
  'yarn.lock': (name) => new RegExp(`^(?:.*, )?"?${name}@`, 'm'),
  'bun.lock': (name) => new RegExp(`^ {4}"(?:[^"]*/)?${name}": \\[`, 'm'),
}

/** What is there for another system only (fsevents and its nan) is optional in the lockfile. */
function isLockedByNpm(text: string, dependency: string): boolean {
  try {
    const json = JSON.parse(text) as unknown
    const packages = isObject(json) && isObject(json['packages']) ? Object.entries(json['packages']) : []
    return packages.some(
      ([path, locked]) =>
        path.endsWith(`node_modules/${dependency}`) && isObject(locked) && locked['optional'] !== true,
    )
  } catch {
    return false
  }
}
