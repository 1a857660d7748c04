import { startS3, type TestS3 } from '#test/helpers/s3.ts'
import { inOneWorld } from '#test/helpers/shared-world.ts'
import { git } from './git.ts'
import { fromHeroku } from './app-json.ts'
import { slugs } from './slugs.ts'

describe('Code comes in, and what becomes of it lies in a bucket', () => {
  const env: Record<string, string> = {
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    BERTH_SLUG_STORE: 's3://slugs/e2e',
    BERTH_LAYER_CACHE_MB: '0',
  }
  let s3: TestS3
  before(async () => {
    s3 = await startS3('slugs')
    env['BERTH_SLUG_STORE_ENDPOINT'] = s3.endpoint
  })
  after(() => s3?.stop())

  inOneWorld({ env }, [git, fromHeroku, slugs])
})
