/**
 * Compares the router's grammars with Node's HTTP parser on a million made-up requests, then throws bytes at them.
 * `BERTH_FUZZ_SEED` repeats a run, `BERTH_FUZZ_COUNT` and `BERTH_FUZZ_SECONDS` make it shorter or longer.
 */
import { chanceOf } from '#test/helpers/http-fuzz.ts'
import { checkBytes, compareWithNode } from '#test/helpers/wire-fuzz.ts'

export async function fuzz(): Promise<void> {
  const seed = numberOf('BERTH_FUZZ_SEED', Date.now() % 2 ** 32)
  console.log(`seed ${seed}`)
  await fuzzAgainstNode(seed, numberOf('BERTH_FUZZ_COUNT', 1_000_000))
  fuzzBytes(seed, numberOf('BERTH_FUZZ_SECONDS', 60) * 1000)
}

async function fuzzAgainstNode(seed: number, count: number): Promise<void> {
  const chance = chanceOf(seed)
  const began = performance.now()
  const { made, accepted } = await compareWithNode(chance, count)
  const seconds = Math.round((performance.now() - began) / 1000)
  console.log(
    `${made} requests made up, ${accepted} accepted by the fast lane, all read by Node's parser the same way (${seconds} s)`,
  )
}

function fuzzBytes(seed: number, forMs: number): void {
  const chance = chanceOf(seed + 1)
  const began = performance.now()
  let inputs = 0
  for (; performance.now() - began < forMs; inputs += 1) checkBytes(chance)
  console.log(
    `${inputs} inputs for every grammar: nothing thrown, no step without progress, nothing read outside, no cut that mattered`,
  )
}

const numberOf = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise)
