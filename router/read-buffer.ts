/**
 * The one buffer that every plain connection of the process reads into (`onread` of net.Socket): nothing is allocated per read,
 * and an idle connection owns no memory of ours. Its bytes are good until the callback returns.
 */
export const READ_BYTES = 64 * 1024
export const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES)

/**
 * Bytes as text, one character each. Half of what `toString('latin1')` takes for short ones, which looks its encoding up first;
 * Node's types do not know of it.
 */
export const latin1 = (bytes: Buffer, from: number, to: number): string =>
  (bytes as unknown as { latin1Slice(from: number, to: number): string }).latin1Slice(from, to)
