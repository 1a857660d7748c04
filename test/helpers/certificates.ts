/** Certificates of all kinds, made by openssl: what people bring. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import type { Certificate } from '#core/domain/certificate.ts'
import type { Pair } from '#core/runtime/certificate-vault.ts'

export type Authority = Pair & { cert: string }
export type Wish = {
  names?: string[]
  /** EC P-256 unless it says e.g. `rsa:2048`. */
  key?: string
  by?: Authority
  /** May issue others. */
  authority?: boolean
  /** `20200101000000Z` */
  from?: string
  to?: string
  usage?: string
  digest?: string
}

/** @returns the certificate with all above it but the root */
export async function makeCertificate(subject: string, wish: Wish = {}): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-certificate-'))
  const path = (name: string) => join(folder, name)
  try {
    const key = wish.key ?? 'ec'
    const algorithm = key === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : [key]
    const extensions = [
      ...(wish.names ? [`subjectAltName=${wish.names.map((name) => `DNS:${name}`).join(',')}`] : []),
      `basicConstraints=CA:${wish.authority ? 'TRUE' : 'FALSE'}`,
      ...(wish.usage ? [`extendedKeyUsage=${wish.usage}`] : []),
    ]
    await writeFile(path('extensions'), `[all]\n${extensions.join('\n')}\n`)
    await openssl(
      ['req', '-new', '-newkey', ...algorithm, '-nodes', '-subj', `/CN=${subject}`],
      ['-keyout', path('key'), '-out', path('csr')],
    )
    await sign(path, wish)
    const [pem, secret] = await Promise.all([readFile(path('pem'), 'utf8'), readFile(path('key'), 'utf8')])
    const above = wish.by && !isRoot(wish.by) ? wish.by.chain : ''
    return { cert: pem, chain: pem + above, key: secret }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A root is its own issuer, so its chain is itself alone. */
const roots = new WeakSet<Authority>()
const isRoot = (authority: Authority) => roots.has(authority)

export async function makeRoot(subject = 'Test Root'): Promise<Authority> {
  const root = await makeCertificate(subject, { authority: true })
  roots.add(root)
  return root
}

async function sign(path: (name: string) => string, wish: Wish): Promise<void> {
  const signer = wish.by
  if (signer) {
    await writeFile(path('ca'), signer.cert)
    await writeFile(path('ca-key'), signer.key)
  }
  await writeFile(path('index'), '')
  await writeFile(path('config'), caConfig(path))
  const dates =
    wish.from || wish.to
      ? ['-startdate', wish.from ?? '20200101000000Z', '-enddate', wish.to ?? '20490101000000Z']
      : ['-days', '90']
  await openssl(
    ['ca', '-batch', '-config', path('config'), '-in', path('csr'), '-out', path('pem'), '-notext'],
    [...dates, '-md', wish.digest ?? 'sha256', '-extfile', path('extensions'), '-extensions', 'all'],
    signer ? ['-cert', path('ca'), '-keyfile', path('ca-key')] : ['-selfsign', '-keyfile', path('key')],
  )
}

const caConfig = (path: (name: string) => string) => `
[ca]
default_ca = here
[here]
database = ${path('index')}
new_certs_dir = ${path('')}
policy = any
unique_subject = no
rand_serial = yes
[any]
commonName = supplied
`

const openssl = (...parts: string[][]) => run(['openssl', ...parts.flat()])

/** A record, valid for most of the first thousand years. */
export const aCertificate = (over: Partial<Certificate> = {}): Certificate => ({
  id: 'c-one',
  appId: null,
  tenantId: null,
  source: 'uploaded',
  names: [],
  hosts: [],
  issuer: 'CN=Test',
  serial: '1',
  fingerprint: 'f'.repeat(64),
  keyType: 'EC P-256',
  notBefore: 0,
  notAfter: 3e13,
  addedAt: 0,
  addedBy: 'test',
  ...over,
})
