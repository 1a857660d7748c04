/**
 * A store that speaks S3, as a process of its own, in a temporary folder. Its one account has the key S3RVER, twice. It
 * checks who asks but not the signatures: of requests for a whole bucket it makes them of another path than was asked for.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export type TestS3 = { endpoint: string; stop(): Promise<void> }

const program = (directory: string, bucket: string) => `
  const S3rver = require('@20minutes/s3rver')
  const options = { port: 0, address: '127.0.0.1', silent: true, allowMismatchedSignatures: true, directory: ${JSON.stringify(directory)}, vhostBuckets: false }
  const server = new S3rver({ ...options, configureBuckets: [{ name: ${JSON.stringify(bucket)} }] })
  server.run().then(({ port }) => console.log(port))`

export async function startS3(bucket: string): Promise<TestS3> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-s3-'))
  const child = spawn(process.execPath, ['-e', program(folder, bucket)], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string]
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      process.off('exit', killWithUs)
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}
