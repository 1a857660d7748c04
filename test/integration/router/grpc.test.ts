import assert from 'node:assert/strict'
import {
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type Client,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { makeGenericClientConstructor, type ClientDuplexStream, type ClientReadableStream } from '@grpc/grpc-js'
import { endpointAt, until } from './support.ts'
import { anH2cApp, startSecureWorld, type SecureWorld } from './http2-support.ts'

const asIs = (bytes: Buffer): Buffer => bytes
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  ...{ path: `/test.Echo/${name}`, requestStream, responseStream },
  ...{ requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs },
})
const service: ServiceDefinition = {
  say: method('Say', false, false),
  fail: method('Fail', false, false),
  hang: method('Hang', false, false),
  count: method('Count', false, true),
  talk: method('Talk', true, true),
}

type Callback = (error: ServiceError | null, answer?: Buffer) => void
type Echo = Client & {
  say(
    request: Buffer,
    metadata: Metadata,
    callback: Callback,
  ): { on(event: 'metadata', listener: (metadata: Metadata) => void): void }
  fail(request: Buffer, callback: Callback): void
  hang(request: Buffer, options: { deadline: number }, callback: Callback): { cancel(): void }
  count(request: Buffer): ClientReadableStream<Buffer>
  talk(): ClientDuplexStream<Buffer, Buffer>
}

describe('gRPC through the router', function () {
  this.timeout(20_000)
  let world: SecureWorld
  let server: Server
  let client: Echo
  let cancelled = 0

  before(async () => {
    world = await startSecureWorld()
    server = new Server()
    server.addService(service, {
      say(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
        const said = new Metadata()
        said.set('x-said', call.metadata.get('x-asked')[0] ?? 'nothing')
        said.set('x-raw-bin', Buffer.from([0, 255]))
        call.sendMetadata(said)
        done(null, Buffer.concat([Buffer.from('echo '), call.request]))
      },
      fail(_: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
        const metadata = new Metadata()
        metadata.set('x-why', 'because')
        done({ code: status.FAILED_PRECONDITION, details: 'not today', metadata })
      },
      hang(call: ServerUnaryCall<Buffer, Buffer>) {
        call.on('cancelled', () => (cancelled += 1))
      },
      count(call: ServerWritableStream<Buffer, Buffer>) {
        for (let i = 0; i < 1_000; i += 1) call.write(Buffer.from(`${i}`))
        call.end()
      },
      talk(call: ServerDuplexStream<Buffer, Buffer>) {
        call.on('data', (bytes: Buffer) => call.write(Buffer.from(bytes.toString().toUpperCase())))
        call.on('end', () => call.end())
      },
    })
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    )
    world.route([anH2cApp('one', [endpointAt(port)])])
    const Echo = makeGenericClientConstructor(service, 'Echo')
    client = new Echo(`127.0.0.1:${world.port}`, credentials.createSsl(Buffer.from(world.certificate)), {
      'grpc.ssl_target_name_override': 'one.test',
      'grpc.default_authority': 'one.test',
    }) as unknown as Echo
  })
  after(async () => {
    client.close()
    server.forceShutdown()
    await world.stop()
  })

  it('answers a call, with metadata both ways', async () => {
    const metadata = new Metadata()
    metadata.set('x-asked', 'this')
    const heard = Promise.withResolvers<Metadata>()
    const answer = await new Promise<Buffer>((resolve, reject) => {
      client
        .say(Buffer.from('hello'), metadata, (error, bytes) =>
          bytes ? resolve(bytes) : reject(new Error('no answer', { cause: error })),
        )
        .on('metadata', heard.resolve)
    })
    assert.equal(answer.toString(), 'echo hello')
    const said = await heard.promise
    assert.deepEqual([said.get('x-said'), said.get('x-raw-bin')], [['this'], [Buffer.from([0, 255])]])
  })

  it('says an error by its status, details and metadata, which are in the trailers', async () => {
    const error = await new Promise<ServiceError | null>((resolve) => client.fail(Buffer.from(''), resolve))
    assert.deepEqual([error?.code, error?.details], [status.FAILED_PRECONDITION, 'not today'])
    assert.deepEqual(error?.metadata.get('x-why'), ['because'])
  })

  it('streams what the server has to say, in order', async () => {
    let i = 0
    for await (const message of client.count(Buffer.from('')) as AsyncIterable<Buffer>) {
      assert.equal(message.toString(), String(i))
      i += 1
    }
    assert.equal(i, 1_000)
  })

  it('carries a conversation, word by word in both directions', async () => {
    const call = client.talk()
    const heard: string[] = []
    call.on('data', (bytes: Buffer) => heard.push(bytes.toString()))
    const ended = new Promise<number>((resolve) => call.on('status', ({ code }) => resolve(code)))
    for (const word of ['one', 'two', 'three']) {
      call.write(Buffer.from(word))
      await until(() => heard.includes(word.toUpperCase()))
    }
    call.end()
    assert.equal(await ended, status.OK)
    assert.deepEqual(heard, ['ONE', 'TWO', 'THREE'])
  })

  it('ends a call whose deadline is over, or that is cancelled, at the server too', async () => {
    const late = await new Promise<ServiceError | null>((resolve) =>
      client.hang(Buffer.from(''), { deadline: Date.now() + 300 }, resolve),
    )
    assert.equal(late?.code, status.DEADLINE_EXCEEDED)
    await until(() => cancelled === 1)
    const given = new Promise<ServiceError | null>((resolve) => {
      const call = client.hang(Buffer.from(''), { deadline: Date.now() + 10_000 }, resolve)
      setTimeout(() => call.cancel(), 200)
    })
    assert.equal((await given)?.code, status.CANCELLED)
    await until(() => cancelled === 2)
  })

  it('does many calls at once', async () => {
    const calls = Array.from(
      { length: 300 },
      (_, i) =>
        new Promise<string>((resolve, reject) =>
          client.say(Buffer.from(String(i)), new Metadata(), (error, bytes) =>
            bytes ? resolve(bytes.toString()) : reject(new Error('no answer', { cause: error })),
          ),
        ),
    )
    assert.deepEqual(
      await Promise.all(calls),
      calls.map((_, i) => `echo ${i}`),
    )
  })
})
