/** In which order things stand that have names: `host-9` before `host-10`. */

/** One for all: `localeCompare` with a locale makes a new one at each call, which is felt with hundreds of names. */
const collator = new Intl.Collator('en', { numeric: true })

export const compareNames = (a: string, b: string): number => collator.compare(a, b)
