/** The proxies that the router is measured beside, each in its usual way of doing the same: keep-alive both ways, one core. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { PROXY_CPU, startPinned, type Pinned } from './pinned.ts'
import { AS_OURSELVES, UPSTREAM_PORT } from './upstream.ts'

export type PeerName = 'nginx' | 'haproxy' | 'caddy' | 'http-proxy'
export type Peer = Pinned & { name: PeerName; port: number }
export type Pair = { key: string; cert: string }

/** A writer of an access log says where. */
type PeerOptions = { folder: string; tls?: Pair; accessLog?: boolean }

const ports: Record<PeerName, number> = { nginx: 9100, haproxy: 9101, caddy: 9102, 'http-proxy': 9103 }

export async function startPeer(name: PeerName, options: PeerOptions): Promise<Peer> {
  const folder = join(options.folder, name)
  await mkdir(folder, { recursive: true })
  const { argv, env } = await commands[name]({ ...options, folder })
  const port = ports[name]
  return { ...(await startPinned(PROXY_CPU, argv, port, env)), name, port }
}

type Command = { argv: [string, ...string[]]; env?: Record<string, string> }

const commands: Record<PeerName, (options: PeerOptions) => Promise<Command>> = {
  async nginx({ folder, tls, accessLog }) {
    const config = join(folder, 'nginx.conf')
    await writeFile(config, nginxConfig(folder, tls, accessLog ?? false))
    return { argv: ['nginx', '-c', config, '-p', folder] }
  },
  async haproxy({ folder, tls }) {
    const config = join(folder, 'haproxy.cfg')
    const pem = join(folder, 'pair.pem')
    if (tls) await writeFile(pem, (await readFile(tls.cert, 'utf8')) + (await readFile(tls.key, 'utf8')))
    await writeFile(config, haproxyConfig(tls ? pem : null))
    return { argv: ['haproxy', '-f', config] }
  },
  async caddy({ folder, tls }) {
    const config = join(folder, 'Caddyfile')
    await writeFile(config, caddyConfig(tls))
    return {
      argv: ['caddy', 'run', '--config', config, '--adapter', 'caddyfile'],
      env: { GOMAXPROCS: '1', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    }
  },
  /** What Node's proxies were for years; installed here, and nowhere near Berth's own dependencies. */
  async 'http-proxy'({ folder }) {
    await writeFile(join(folder, 'package.json'), '{"private":true}')
    await run(['npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--save-exact', 'http-proxy@1.18.1'], {
      cwd: folder,
      timeoutMs: 120_000,
    })
    const program = join(folder, 'proxy.cjs')
    await writeFile(program, httpProxyProgram)
    return { argv: [process.execPath, '--max-semi-space-size=64', '--no-deprecation', program] }
  },
}

/** The forwarding fields are those that the router writes, as far as a peer has them. */
const nginxConfig = (folder: string, tls: Pair | undefined, accessLog: boolean) => `
${AS_OURSELVES}worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http {
  access_log ${accessLog ? `${folder}/access.log` : 'off'}; keepalive_requests 100000000; keepalive_timeout 600s;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  upstream app { server 127.0.0.1:${UPSTREAM_PORT}; keepalive 1024; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${ports.nginx}${tls ? ' ssl' : ''} backlog=4096;
    ${tls ? `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.3;` : ''}
    location / {
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Request-Start $msec; proxy_set_header X-Request-Id $request_id;
    }
  }
}
`

const haproxyConfig = (pem: string | null) => `
global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 60s
frontend front
  bind 127.0.0.1:${ports.haproxy} backlog 4096${pem ? ` ssl crt ${pem} ssl-min-ver TLSv1.3` : ''}
  option forwardfor
  unique-id-format %{+X}o%ci:%cp_%Ts_%rt
  unique-id-header X-Request-Id
  http-request set-header X-Forwarded-Proto ${pem ? 'https' : 'http'}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  default_backend app
backend app
  http-reuse always
  server s 127.0.0.1:${UPSTREAM_PORT}
`

const caddyConfig = (tls: Pair | undefined) => `
{
 admin off
 auto_https off
}
http${tls ? 's' : ''}://:${ports.caddy} {
 bind 127.0.0.1
 ${tls ? `tls ${tls.cert} ${tls.key}` : ''}
 reverse_proxy 127.0.0.1:${UPSTREAM_PORT} {
  transport http {
   keepalive_idle_conns_per_host 1024
  }
 }
}
`

const httpProxyProgram = `
const { Agent, createServer } = require('node:http')
const target = 'http://127.0.0.1:${UPSTREAM_PORT}'
const proxy = require('http-proxy').createProxyServer({ target, xfwd: true, agent: new Agent({ keepAlive: true }) })
proxy.on('error', (_, __, response) => response.destroy?.())
createServer((request, response) => proxy.web(request, response)).listen(${ports['http-proxy']}, '127.0.0.1', 4096)
`
