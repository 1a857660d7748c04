import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorCodes } from '#core/domain/error-codes.ts'
import { errorPage } from '../../../scripts/error-docs.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Code → the statuses that it is thrown with. */
async function thrown(): Promise<Map<string, Set<number>>> {
  const found = new Map<string, Set<number>>()
  for await (const file of glob('{core,controller,agent,router,buildpacks}/**/*.ts', { cwd: root }))
    for (const [, code = '', status] of (await readFile(join(root, file), 'utf8')).matchAll(
      /new BerthError\(\s*'(\w+)',\s*(\d+)/g,
    ))
      found.set(code, (found.get(code) ?? new Set()).add(Number(status)))
  return found
}

describe('the codes of errors', () => {
  it('are all explained, and those that are explained exist, with their status', async () => {
    const expected = new Map(Object.entries(errorCodes).map(([code, { status }]) => [code, new Set([status])]))
    const sorted = (map: Map<string, Set<number>>) => [...map].sort(([a], [b]) => a.localeCompare(b))
    assert.deepEqual(
      sorted(await thrown()),
      sorted(expected),
      'core/domain/error-codes.ts lists what `new BerthError` is called with',
    )
  })

  it('stand in docs/errors.md', async () => {
    const page = await readFile(join(root, 'docs/errors.md'), 'utf8')
    assert.equal(page, errorPage(), 'run node_modules/.bin/node scripts/error-docs.ts')
  })
})
