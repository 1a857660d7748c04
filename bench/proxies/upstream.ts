/** The app behind all proxies: an nginx that answers from memory or page cache, as fast as an upstream can. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPinned, UPSTREAM_CPU, type Pinned } from './pinned.ts'

export const UPSTREAM_PORT = 9000

export async function startUpstream(folder: string): Promise<Pinned> {
  const files = join(folder, 'files')
  await mkdir(files, { recursive: true })
  await writeFile(join(files, '100k'), Buffer.alloc(100 * 1024, 'berth '))
  await writeFile(join(files, '10m'), Buffer.alloc(10 * 1024 * 1024, 'berth '))
  const config = join(folder, 'upstream.conf')
  await writeFile(config, upstreamConfig(folder, files))
  return startPinned(UPSTREAM_CPU, ['nginx', '-c', config, '-p', folder], UPSTREAM_PORT)
}

/** As root, nginx would give its workers another user, who cannot look into temporary folders. */
export const AS_OURSELVES = process.geteuid?.() === 0 ? 'user root; ' : ''

const upstreamConfig = (folder: string, files: string) => `
${AS_OURSELVES}worker_processes 1; daemon off; pid ${folder}/upstream.pid; error_log /dev/null;
events { worker_connections 16384; }
http {
  access_log off; sendfile on; keepalive_requests 100000000; keepalive_timeout 600s;
  server {
    listen 127.0.0.1:${UPSTREAM_PORT} backlog=4096;
    location = / { return 200 "hello world, this is a small body\\n"; }
    location / { root ${files}; }
  }
}
`
