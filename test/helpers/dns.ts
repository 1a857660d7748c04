/** A name server on loopback that knows TXT records and addresses, over UDP (RFC 1035 §4.1). */
import { createSocket } from 'node:dgram'
import { readAddress } from '#core/domain/network.ts'

export type TestDns = {
  /** `127.0.0.1:PORT` */
  address: string
  /** name → TXT values; a name that is not there does not exist, null is a server that fails. */
  records: Map<string, string[] | null>
  /** name → IPv4 and IPv6 addresses; what each question in turn is told, the last one from then on. */
  addresses: Map<string, string[][]>
  /** The names that were asked for, in order. */
  asked: string[]
  stop(): Promise<void>
}

const NO_ERROR = 0
const SERVER_FAILURE = 2
const NO_SUCH_NAME = 3
const A = 1
const TXT = 16
const AAAA = 28

export async function startDns(): Promise<TestDns> {
  const socket = createSocket('udp4')
  const records = new Map<string, string[] | null>()
  const addresses = new Map<string, string[][]>()
  const asked: string[] = []
  socket.on('message', (query, peer) => {
    const { name, end } = readName(query)
    const type = query.readUInt16BE(end)
    asked.push(name)
    const found = type === TXT ? textsOf(records.get(name)) : addressesOf(addresses.get(name), type)
    socket.send(answer(query, end + 4, found.code, type, found.data), peer.port, peer.address)
  })
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${socket.address().port}`,
    records,
    addresses,
    asked,
    stop: () => new Promise((resolve) => void socket.close(() => resolve())),
  }
}

/** The name of the question, which begins after the header of 12 bytes. */
function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 }
}

type Found = { code: number; data: Buffer[] }

function textsOf(values: string[] | null | undefined): Found {
  const code = values === undefined ? NO_SUCH_NAME : values === null ? SERVER_FAILURE : NO_ERROR
  return { code, data: (values ?? []).map(textData) }
}

/** What is told changes with the question for IPv4 addresses. */
function addressesOf(turns: string[][] | undefined, type: number): Found {
  const [now] = turns ?? []
  if (!turns || !now) return { code: NO_SUCH_NAME, data: [] }
  const read = now.map((text) => ({ text, address: readAddress(text) }))
  const data = read.flatMap(({ text, address }) => {
    const isSix = text.includes(':')
    if (!address || isSix !== (type === AAAA)) return []
    const value = isSix && address.version === 4 ? (0xffffn << 32n) | address.value : address.value
    return [Buffer.from(value.toString(16).padStart(isSix ? 32 : 8, '0'), 'hex')]
  })
  if (type === A && turns.length > 1) turns.shift()
  return { code: NO_ERROR, data }
}

function answer(query: Buffer, questionEnd: number, code: number, type: number, values: Buffer[]): Buffer {
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  // An answer (QR), recursion desired and available, and the result.
  header.writeUInt16BE(0x8180 | code, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(values.length, 6)
  return Buffer.concat([header, query.subarray(12, questionEnd), ...values.map((data) => record(type, data))])
}

function textData(value: string): Buffer {
  const pieces = value.match(/.{1,200}/g) ?? ['']
  return Buffer.concat(pieces.map((piece) => Buffer.concat([Buffer.from([piece.length]), Buffer.from(piece)])))
}

function record(type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(12)
  // A pointer to the question's name, type, class IN, a minute to live, and the length.
  fixed.writeUInt16BE(0xc00c, 0)
  fixed.writeUInt16BE(type, 2)
  fixed.writeUInt16BE(1, 4)
  fixed.writeUInt32BE(60, 6)
  fixed.writeUInt16BE(data.length, 10)
  return Buffer.concat([fixed, data])
}
