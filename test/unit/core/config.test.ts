import assert from 'node:assert/strict'
import { readConfig } from '../../../core/runtime/config.ts'

describe('The settings of the network', () => {
  it('are lists of networks, a bare address being a network of one', () => {
    const { blocked, routers, resolvers } = readConfig({
      BERTH_BLOCKED: '192.0.2.0/24, 10.9.0.0/16',
      BERTH_ROUTERS: '192.0.2.20',
      BERTH_RESOLVERS: '10.0.0.53,10.0.1.53',
    })
    assert.deepEqual(blocked, ['192.0.2.0/24', '10.9.0.0/16'])
    assert.deepEqual(routers, ['192.0.2.20/32'])
    assert.deepEqual(resolvers, ['10.0.0.53', '10.0.1.53'])
    assert.deepEqual(readConfig({}).blocked, [])
  })

  it('are refused with the variable and the value when they are no networks', () => {
    assert.throws(() => readConfig({ BERTH_BLOCKED: '10.0.0.0/8,10.0.0.1/8' }), {
      code: 'BAD_SETTING',
      message: /^BERTH_BLOCKED must be IPv4 networks .*, got "10\.0\.0\.1\/8"\.$/,
    })
    assert.throws(() => readConfig({ BERTH_ROUTERS: 'router.internal' }), {
      message: /BERTH_ROUTERS.*"router\.internal"/,
    })
    assert.throws(() => readConfig({ BERTH_RESOLVERS: '10.0.0.0/8' }), { message: /BERTH_RESOLVERS/ })
  })
})

describe('The settings of the router', () => {
  it('are one process per core, and no load balancer', () => {
    const { routerWorkers, routerSettleMs, proxyProtocol, trustedProxies } = readConfig({})
    assert.ok(routerWorkers >= 1 && routerWorkers <= 8)
    assert.deepEqual([routerSettleMs, proxyProtocol, trustedProxies], [1000, false, []])
    assert.equal(readConfig({ BERTH_ROUTER_WORKERS: '12' }).routerWorkers, 12)
  })

  it('name load balancers by networks of either IP version', () => {
    const { trustedProxies } = readConfig({ BERTH_TRUSTED_PROXIES: '10.1.0.0/16, fd00::/8,192.0.2.1' })
    assert.deepEqual(trustedProxies, ['10.1.0.0/16', 'fd00::/8', '192.0.2.1'])
    assert.throws(() => readConfig({ BERTH_TRUSTED_PROXIES: 'lb.internal' }), {
      message: /BERTH_TRUSTED_PROXIES.*"lb\.internal"/,
    })
  })

  it('do not let the PROXY protocol be spoken with nobody', () => {
    assert.throws(() => readConfig({ BERTH_PROXY_PROTOCOL: 'on' }), { message: /BERTH_TRUSTED_PROXIES/ })
    assert.ok(readConfig({ BERTH_PROXY_PROTOCOL: 'on', BERTH_TRUSTED_PROXIES: '10.0.0.1' }).proxyProtocol)
    assert.throws(() => readConfig({ BERTH_ROUTER_WORKERS: '0' }), { code: 'BAD_SETTING' })
  })
})

describe('The settings of certificates', () => {
  const directory = 'https://ca.example/dir'

  it('leave automatic certificates off until an authority is named and its terms are agreed to', () => {
    assert.equal(readConfig({}).acme, null)
    assert.throws(() => readConfig({ BERTH_ACME_DIRECTORY: directory }), {
      message: /^BERTH_ACME_AGREE_TERMS must be yes, which agrees to the terms .*ca\.example/,
    })
    const { acme } = readConfig({ BERTH_ACME_DIRECTORY: directory, BERTH_ACME_AGREE_TERMS: 'yes' })
    assert.deepEqual(acme, {
      directory,
      email: null,
      caBundle: '/etc/ssl/certs/ca-certificates.crt',
      dnsHook: null,
      externalAccount: null,
    })
  })

  it('are refused by name, and a secret among them is not repeated', () => {
    const agreed = { BERTH_ACME_DIRECTORY: directory, BERTH_ACME_AGREE_TERMS: 'yes' }
    assert.throws(() => readConfig({ ...agreed, BERTH_ACME_EMAIL: 'nobody' }), {
      message: /BERTH_ACME_EMAIL.*"nobody"/,
    })
    assert.throws(() => readConfig({ ...agreed, BERTH_ACME_DNS_HOOK: './hook' }), { message: /BERTH_ACME_DNS_HOOK/ })
    assert.throws(() => readConfig({ ...agreed, BERTH_ACME_EAB_HMAC_KEY: 'x'.repeat(32) }), {
      message: /BERTH_ACME_EAB_KID/,
    })
    assert.throws(
      () => readConfig({ ...agreed, BERTH_ACME_EAB_KID: 'k', BERTH_ACME_EAB_HMAC_KEY: 'my secret!' }),
      (error: Error) => /BERTH_ACME_EAB_HMAC_KEY/.test(error.message) && !error.message.includes('my secret'),
    )
    assert.throws(() => readConfig({ BERTH_HTTPS_PORT: '0' }), { message: /BERTH_HTTPS_PORT/ })
  })

  it('put the key beside the data, unless they say where', () => {
    assert.equal(readConfig({ BERTH_HOME: '/data' }).certificatesKeyFile, '/data/certificates-key')
    assert.equal(readConfig({ BERTH_CERTIFICATES_KEY_FILE: '/etc/berth/key' }).certificatesKeyFile, '/etc/berth/key')
  })
})

describe('The settings of the slug store', () => {
  it('are a folder of BERTH_HOME, or a bucket with or without a prefix', () => {
    assert.equal(readConfig({}).slugStore, null)
    const plain = { bucket: 'my-slugs', prefix: '', endpoint: null, region: 'us-east-1' }
    assert.deepEqual(readConfig({ BERTH_SLUG_STORE: 's3://my-slugs' }).slugStore, plain)
    assert.deepEqual(readConfig({ BERTH_SLUG_STORE: 's3://my-slugs/' }).slugStore, plain)
    const settings = {
      BERTH_SLUG_STORE: 's3://my-slugs/berth//one/',
      BERTH_SLUG_STORE_ENDPOINT: 'http://garage.internal:3900/',
      BERTH_SLUG_STORE_REGION: 'eu-central-1',
    }
    assert.deepEqual(readConfig(settings).slugStore, {
      bucket: 'my-slugs',
      prefix: 'berth/one/',
      endpoint: 'http://garage.internal:3900',
      region: 'eu-central-1',
    })
  })

  it('are refused with the variable and the value when they name no bucket', () => {
    for (const BERTH_SLUG_STORE of [
      'my-slugs',
      's3://',
      's3://My_Slugs',
      's3://slugs/a/../b',
      'https://s3.example/slugs',
    ])
      assert.throws(() => readConfig({ BERTH_SLUG_STORE }), {
        code: 'BAD_SETTING',
        message: /^BERTH_SLUG_STORE must be/,
      })
  })
})

describe('The settings of mail and of connections to where tenants say', () => {
  const read = (env: Record<string, string>) => readConfig({ BERTH_HOME: '/srv/berth', ...env })

  it('leave mail off until a server is named, and private networks closed', () => {
    const { mail, outbound } = read({})
    assert.equal(mail, null)
    assert.deepEqual(outbound.networks, [])
    assert.deepEqual(read({ BERTH_OUTBOUND_NETWORKS: '10.1.0.0/16, fd00::/8' }).outbound.networks, [
      '10.1.0.0/16',
      'fd00::/8',
    ])
  })

  it('take a mail server with and without a user', () => {
    const from = 'Berth <alerts@example.com>'
    const plain = read({ BERTH_SMTP_URL: 'smtp://mail.example.com', BERTH_MAIL_FROM: from }).mail
    assert.deepEqual(plain, { host: 'mail.example.com', port: 587, secure: false, auth: null, from })
    const full = read({ BERTH_SMTP_URL: 'smtps://ann:p%40ss@mail.example.com', BERTH_MAIL_FROM: 'a@example.com' }).mail
    assert.deepEqual([full?.port, full?.secure, full?.auth], [465, true, { user: 'ann', pass: 'p@ss' }])
  })

  it('C14 C19 are refused by name, without repeating what may be a password', () => {
    const wrong: [Record<string, string>, RegExp][] = [
      [{ BERTH_SMTP_URL: 'https://ann:secret@mail.example.com' }, /^BERTH_SMTP_URL must be .*got "…"\.$/],
      [{ BERTH_SMTP_URL: 'mail.example.com:secret' }, /^BERTH_SMTP_URL must be/],
      [{ BERTH_SMTP_URL: 'smtp://mail.example.com?tls.rejectUnauthorized=false' }, /^BERTH_SMTP_URL must be/],
      [{ BERTH_SMTP_URL: 'smtp://mail.example.com' }, /^BERTH_MAIL_FROM must be a mail address/],
      [{ BERTH_SMTP_URL: 'smtp://mail.example.com', BERTH_MAIL_FROM: 'a@x.test\nBcc: b@x.test' }, /^BERTH_MAIL_FROM/],
      [{ BERTH_SMTP_URL: 'smtp://mail.example.com', BERTH_MAIL_FROM: 'a@x.test, b@x.test' }, /^BERTH_MAIL_FROM/],
      [{ BERTH_OUTBOUND_NETWORKS: '10.1.2.3/8' }, /^BERTH_OUTBOUND_NETWORKS must be networks/],
    ]
    for (const [env, message] of wrong)
      assert.throws(
        () => read(env),
        (error: Error) => message.test(error.message) && !error.message.includes('secret'),
      )
  })
})
