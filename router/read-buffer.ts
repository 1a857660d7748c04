/**
 * The one buffer that every plain connection of the process reads into (`onread` of net.Socket): nothing is allocated per read,
 * and an idle connection owns no memory of ours. Its bytes are good until the callback returns.
 */
export const READ_BYTES = 64 * 1024
export const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES)
