import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App } from '#core/domain/app.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'

describe('sources', () => {
  let api: TestApi
  before(async () => (api = await startApi()))
  after(() => api.stop())

  it('are swept when they are old and their deploy is over or never was', async () => {
    const folder = join(api.home, 'sources')
    const app = { id: `a-${randomBytes(4).toString('hex')}` } as App
    const request = { app, kind: 'push' as const, actor: '', description: '', commit: null, source: null }
    const open = await api.context.deploys.submit({ ...request, fromRelease: null, config: null })
    for (const name of [`${open.id}.tar`, 'd-over.tar', 'd-fresh.tar']) await writeFile(join(folder, name), '')
    for (const name of [`${open.id}.tar`, 'd-over.tar']) await utimes(join(folder, name), 1, 1)
    await api.context.sources.sweep(api.context.store, Date.now() - 60_000)
    assert.deepEqual((await readdir(folder)).sort(), [`${open.id}.tar`, 'd-fresh.tar'].sort())
  })
})
