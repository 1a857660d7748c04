/** The memory that bytes pass through. */
import type { Socket } from 'node:net'

/**
 * The one buffer that every plain connection of the process reads into (`onread` of net.Socket): nothing is allocated per read,
 * and an idle connection owns no memory of ours. Its bytes are good until the callback returns.
 */
export const READ_BYTES = 64 * 1024
export const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES)

/** Of what waits to be written, before nothing more is read on the other side: two full reads, so that one can follow another. */
export const WRITE_AHEAD_BYTES = 2 * READ_BYTES + 1

/** Up to here a piece of a body is copied into the string that goes out with what is around it: one system call for all. */
export const SMALL_BYTES = 8 * 1024

/**
 * Bytes as text, one character each. Half of what `toString('latin1')` takes for short ones, which looks its encoding up first;
 * Node's types do not know of it.
 */
export const latin1 = (bytes: Buffer, from: number, to: number): string =>
  (bytes as unknown as { latin1Slice(from: number, to: number): string }).latin1Slice(from, to)

/**
 * Writes a large piece, of which the caller keeps the bytes. The copy lies in memory that is used again when it was written:
 * a new buffer for each piece costs more, in page faults and garbage, than all the rest of passing it on.
 * @returns as `Socket.write`
 */
export function writeCopy(socket: Socket, bytes: Buffer, from: number, to: number): boolean {
  const size = to - from
  if (size > READ_BYTES) return socket.write(Buffer.from(bytes.subarray(from, to)))
  const slab = free.pop() ?? makeSlab()
  bytes.copy(slab.buffer, 0, from, to)
  return socket.write(slab.buffer.subarray(0, size), slab.giveBack)
}

type Slab = { buffer: Buffer; giveBack: () => void }

/** 16 MiB at most; what is beyond is left to the garbage collector. */
const MAX_FREE = 256
const free: Slab[] = []

function makeSlab(): Slab {
  const slab: Slab = {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    giveBack() {
      if (free.length < MAX_FREE) free.push(slab)
    },
  }
  return slab
}
