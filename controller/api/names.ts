/** Names for apps whose maker gave none: easy to say, and hard to run out of (900 × 9000). */
import type { Random } from '../credentials.ts'

const adjectives = (
  'amber bold brave bright calm clear clever cosy crisp eager early fair fleet gentle glad golden ' +
  'keen kind light lively lucky mellow neat noble quick quiet sunny swift warm wise'
).split(' ')

const nouns = (
  'badger beach birch brook canyon cedar cliff coral dune falcon fern field fjord forest harbor heron ' +
  'island lake lark maple meadow otter pebble pine reef ridge river sparrow valley willow'
).split(' ')

/** E.g. `quiet-otter-4711`; within the grammar of parseAppName. */
export function friendlyName(random: Random): string {
  const [a = 0, b = 0, c = 0, d = 0] = random(4)
  const number = 1000 + (((c << 8) | d) % 9000)
  return `${adjectives[a % adjectives.length]}-${nouns[b % nouns.length]}-${number}`
}
