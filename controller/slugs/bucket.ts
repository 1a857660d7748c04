/** Layers in a bucket of any store that speaks S3 (BERTH_SLUG_STORE): Amazon's, or one of one's own, e.g. Garage or Ceph. */
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { messageOf, slugStoreNotUsable, unavailable } from '#core/domain/errors.ts'
import type { LayerDigest } from '#core/domain/ids.ts'
import type { SlugStore } from '#core/runtime/config.ts'
import { digestIn, layerFileName, receive, type Layers } from '../layers.ts'

const MAX_BYTES = 8 * 1024 ** 3
/** A part is held in memory until the store has it; S3 takes at most 10,000 of them (Amazon S3 User Guide, "Quotas"). */
const PART_BYTES = 16 * 1024 ** 2
const PARTS_AT_ONCE = 2
const TRIES = 5

/**
 * @param folder where layers lie until their bytes are known to match
 * @throws SLUG_STORE_NOT_USABLE when the bucket is not there, or the keys may not read and write it
 */
export async function openBucket(store: SlugStore, folder: string): Promise<Layers> {
  const { bucket, prefix } = store
  const client = new S3Client({
    region: store.region,
    ...(store.endpoint === null ? {} : { endpoint: store.endpoint }),
    // Stores of one's own rarely have a name per bucket, and many do not know the newer checksums in trailers.
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: TRIES,
  })
  const keyOf = (digest: LayerDigest) => ({ Bucket: bucket, Key: prefix + layerFileName(digest) })
  await checkUsable(client, store)

  return {
    async size(digest) {
      try {
        return (await client.send(new HeadObjectCommand(keyOf(digest)))).ContentLength ?? null
      } catch (error) {
        if (statusOf(error) === 404) return null
        throw away(store, error)
      }
    },
    async read(digest, from = 0) {
      const range = from === 0 ? {} : { Range: `bytes=${from}-` }
      const answer = await client
        .send(new GetObjectCommand({ ...keyOf(digest), ...range }))
        .catch((error: unknown) => Promise.reject(away(store, error)))
      return answer.Body as Readable
    },
    write: (digest, content) =>
      receive(folder, digest, content, MAX_BYTES, async (file) => {
        const upload = new Upload({
          client,
          params: { ...keyOf(digest), Body: createReadStream(file), ContentType: 'application/octet-stream' },
          partSize: PART_BYTES,
          queueSize: PARTS_AT_ONCE,
        })
        await upload.done().catch((error: unknown) => Promise.reject(away(store, error)))
      }),
    async remove(digest) {
      await client.send(new DeleteObjectCommand(keyOf(digest)))
    },
    async *list() {
      for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })) {
        for (const { Key = '', Size = 0 } of page.Contents ?? []) {
          const digest = digestIn(Key.slice(prefix.length))
          if (digest !== null) yield { digest, bytes: Size }
        }
      }
    },
  }
}

/** Asked at the start, so that a wrong setting is found by the operator and not by the first push. */
async function checkUsable(client: S3Client, store: SlugStore): Promise<void> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: store.bucket }))
    const mark = { Bucket: store.bucket, Key: `${store.prefix}.berth`, Body: 'Slugs of Berth.\n' }
    await client.send(new PutObjectCommand(mark))
  } catch (error) {
    throw slugStoreNotUsable(nameOf(store), whyNot(store, error), error)
  }
}

function whyNot({ bucket, region }: SlugStore, error: unknown): string {
  const status = statusOf(error)
  if (status === 404) return `there is no bucket ${JSON.stringify(bucket)}; create it, or name another`
  if (status === 401 || status === 403)
    return 'the keys are not taken, or may not read and write there; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
  if (status === 301 || status === 400)
    return `the bucket is not in the region ${region}; set BERTH_SLUG_STORE_REGION to its region`
  if (error instanceof Error && error.name === 'CredentialsProviderError')
    return 'no keys are given; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
  return messageOf(error) || 'it does not answer; check BERTH_SLUG_STORE_ENDPOINT'
}

const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined

/** For people; what the store said is in the log. */
const away = (store: SlugStore, error: unknown) => unavailable(`The slug store ${nameOf(store)}`, error)

const nameOf = ({ bucket, prefix, endpoint }: SlugStore): string =>
  `s3://${bucket}/${prefix}${endpoint === null ? '' : ` at ${endpoint}`}`
