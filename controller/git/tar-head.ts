/** ◆ Whether an upload begins as a tar archive does. What is in it is read where it is unpacked: in the build's sandbox. */

export const TAR_BLOCK = 512

/** @param block the first 512 bytes (IEEE Std 1003.1-2017, pax, "ustar Interchange Format"). @returns why not, or null */
export function judgeFirstBlock(block: Uint8Array): string | null {
  if (block.length < TAR_BLOCK) return 'The upload broke off before its first file.'
  if (block.every((byte) => byte === 0)) return 'The upload holds no files, so there is nothing to deploy.'
  const isTar = checksumOf(block) === readOctal(block.subarray(148, 156))
  return isTar
    ? null
    : 'The upload is not a tar archive. Send one that is not compressed: tar -cf - . | curl --data-binary @- …'
}

/** Of all bytes, those of the sum itself as spaces. */
const checksumOf = (block: Uint8Array): number =>
  block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0)

/** @returns null for what is no octal number with its ends */
function readOctal(field: Uint8Array): number | null {
  const [, digits] = /^ *([0-7]{1,8})[ \0]*$/.exec(String.fromCharCode(...field)) ?? []
  return digits === undefined ? null : parseInt(digits, 8)
}
