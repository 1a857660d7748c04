import fc from 'fast-check'
import { requestCases } from '#test/fixtures/http-cases.ts'
import { chanceOf } from '#test/helpers/http-fuzz.ts'
import { checkAgainstNode, checkBytes, compareWithNode } from '#test/helpers/wire-fuzz.ts'
import { readFast } from '#test/helpers/wire-reader.ts'

// A smaller seed is no simpler an input.
const seeds = fc.noShrink(fc.integer({ min: 0, max: 2 ** 32 - 1 }))

describe("the router's grammars", function () {
  this.timeout(60_000)

  it("P1: accept in the fast lane only what Node's parser reads the same way", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        await compareWithNode(chanceOf(seed), 200)
      }),
      { numRuns: 10 },
    )
  })

  it("P1: read the known cases of the fast lane as Node's parser does", async () => {
    for (const { bytes } of requestCases) {
      const all = Buffer.from(bytes, 'latin1')
      const message = readFast(all)
      if (message) await checkAgainstNode([{ ...message, bytes: all.subarray(0, message.end) }])
    }
  })

  it('P2, P4: judge alike however bytes are cut and whatever is around them, and write what reads the same', () => {
    fc.assert(
      fc.property(seeds, (seed) => checkBytes(chanceOf(seed))),
      { numRuns: 2000 },
    )
  })
})
