/** Certificates as people bring them, made by openssl: what is taken, and what is said about the others. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readPair } from '../../../../controller/certificates/read.ts'
import { makeKey, makeRequest, makeSelfSigned } from '../../../../controller/certificates/request.ts'
import { run } from '#core/runtime/process.ts'
import { makeCertificate, makeRoot, type Authority } from '#test/helpers/certificates.ts'

const hosts = ['shop.test', '*.wide.test']
const now = () => Date.now()

describe('A certificate that somebody brings', function () {
  this.timeout(60_000)
  let root: Authority
  let middle: Authority
  let good: Authority

  before(async () => {
    root = await makeRoot()
    middle = await makeCertificate('Middle', { authority: true, by: root })
    good = await makeCertificate('shop', { names: ['shop.test', 'www.other.test'], by: middle })
  })

  const refused = (given: { chain: string; key: string }, says: RegExp, at = now()) =>
    assert.throws(
      () => readPair(given, hosts, at),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'CERTIFICATE_REFUSED')
        assert.match(error.message, says)
        return true
      },
    )

  it('is taken with its chain, and serves the hosts that are its owner’s', () => {
    const { pair, facts } = readPair({ chain: `noise\n${good.chain}`, key: good.key }, hosts, now())
    assert.deepEqual(facts.names, ['shop.test', 'www.other.test'])
    assert.deepEqual(facts.hosts, ['shop.test'])
    assert.equal(facts.keyType, 'EC P-256')
    assert.match(facts.issuer, /Middle/)
    assert.match(facts.fingerprint, /^[0-9a-f]{64}$/)
    assert.equal(pair.chain.match(/BEGIN CERTIFICATE/g)?.length, 2)
    assert.doesNotMatch(pair.chain, /noise/)
  })

  it('may end with the root, be its own issuer, have an RSA key, or be for all below a domain', async () => {
    readPair({ chain: good.chain + root.cert, key: good.key }, hosts, now())
    const selfSigned = await makeCertificate('shop.test', { names: ['shop.test'], authority: true })
    readPair(selfSigned, hosts, now())
    const rsa = await makeCertificate('rsa', { names: ['*.wide.test'], key: 'rsa:2048', by: middle })
    assert.deepEqual(readPair(rsa, hosts, now()).facts, {
      ...readPair(rsa, hosts, now()).facts,
      keyType: 'RSA 2048',
      hosts: ['*.wide.test'],
    })
  })

  it('is refused with the key of another', async () => {
    const other = await makeCertificate('x', { names: ['shop.test'] })
    refused({ chain: good.chain, key: other.key }, /does not belong to the certificate for shop\.test/)
  })

  it('is refused when the order is wrong, with the order that is right', () => {
    refused({ chain: middle.cert + good.cert, key: good.key }, /belongs to the second certificate.*must be the first/)
    refused({ chain: good.cert + root.cert + middle.cert, key: good.key }, /issued by "CN=Middle".*third certificate/)
    refused(
      { chain: good.cert + root.cert, key: good.key },
      /issued by "CN=Middle", but the next one is "CN=Test Root"/,
    )
  })

  it('is refused before and after its time, and so are those above it', async () => {
    const old = await makeCertificate('x', { names: ['shop.test'], to: '20210101000000Z' })
    refused(old, /expired on 2021-01-01/)
    const early = await makeCertificate('x', { names: ['shop.test'], from: '20480101000000Z', to: '20490101000000Z' })
    refused(early, /not valid before 2048/)
    const faded = await makeCertificate('Faded', { authority: true, by: root, to: '20210101000000Z' })
    const below = await makeCertificate('x', { names: ['shop.test'], by: faded })
    refused(below, /second certificate in the file \("CN=Faded"\) expired/)
  })

  it('is refused when it is for others, for nobody, or not for servers', async () => {
    const other = await makeCertificate('x', { names: ['else.test', 'a.b.wide.test'] })
    refused(other, /is for else\.test, a\.b\.wide\.test, and none of the hosts here.*shop\.test, \*\.wide\.test/)
    refused(await makeCertificate('shop.test'), /names no host in its subjectAltName/)
    refused(await makeCertificate('x', { names: ['shop.test'], usage: 'clientAuth' }), /not one for servers/)
  })

  it('is refused with a key that browsers do not take or routers cannot open, and the key is not repeated', async () => {
    refused(await makeCertificate('x', { names: ['shop.test'], key: 'rsa:1024' }), /RSA 1024/)
    refused(await makeCertificate('x', { names: ['shop.test'], key: 'ed25519' }), /ED25519/)
    const { stdout } = await run(['openssl', 'pkey', '-aes256', '-passout', 'pass:secret'], { input: good.key })
    refused({ chain: good.chain, key: stdout }, /passphrase.*openssl pkey/)
    const broken = good.key.replace(/\n[A-Za-z0-9+/=]{8}/, '\nAAAAAAAA')
    assert.throws(
      () => readPair({ chain: good.chain, key: broken }, hosts, now()),
      (error: Error) => !error.message.includes('AAAAAAAA'),
    )
  })

  it('is refused when the files are something else, with what to do', () => {
    refused({ chain: good.key, key: good.chain }, /wrong way round/)
    refused({ chain: '', key: good.key }, /no certificate in PEM.*openssl x509/)
    refused({ chain: good.chain, key: 'x' }, /no private key in PEM.*openssl pkey/)
    refused(
      { chain: good.cert.replace(/\n[^\n]{20}/, '\n'), key: good.key },
      /first certificate in the file cannot be read/,
    )
    refused({ chain: good.cert.repeat(11), key: good.key }, /11 certificates; 10 is the most/)
  })
})

describe('What Berth makes itself', () => {
  it('is a request that openssl verifies, with the names in it', async () => {
    const request = makeRequest(await makeKey(), ['a.test', `*.${'long-label.'.repeat(15)}test`])
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${request.toString('base64')}\n-----END CERTIFICATE REQUEST-----`
    const { stdout, stderr } = await run(['openssl', 'req', '-verify', '-noout', '-text'], { input: pem })
    assert.match(stdout + stderr, /verify OK/i)
    assert.match(stdout, /DNS:a\.test, DNS:\*\.long-label/)
  })

  it('is a certificate that vouches for itself, for its time', async () => {
    const at = Date.UTC(2049, 11, 1)
    const serial = Buffer.from('ff'.repeat(16), 'hex')
    const made = makeSelfSigned(await makeKey(), ['localhost', '*.localhost'], serial, at, 60)
    const certificate = new X509Certificate(made.chain)
    assert.equal(certificate.subjectAltName, 'DNS:localhost, DNS:*.localhost')
    assert.equal(certificate.verify(certificate.publicKey), true)
    assert.equal(certificate.ca, false)
    assert.equal(certificate.serialNumber, 'FF'.repeat(16))
    assert.equal(certificate.validFromDate.toISOString(), '2049-11-30T00:00:00.000Z')
    assert.equal(certificate.validToDate.toISOString(), '2050-01-30T00:00:00.000Z')
    assert.deepEqual(readPair(made, ['localhost'], at).facts.hosts, ['localhost'])
  })
})
