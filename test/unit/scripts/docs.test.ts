import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { commands } from '../../../cli/tables/index.ts'
import { cliReference } from '../../../scripts/docs/cli.ts'

const file = fileURLToPath(new URL('../../../docs/cli.md', import.meta.url))

describe('The pages that are made from what the code declares', function () {
  this.timeout(20_000)

  it('docs/cli.md is what the command table says; if not: npm run docs', async () => {
    assert.equal(await readFile(file, 'utf8'), await cliReference(commands, file))
  })
})
