/** ◆ What a commit says of itself in a line, as a release shows it. Its author is a stranger to whoever reads it. */

export const MAX_SUBJECT_LENGTH = 72

/**
 * The first line with text, in at most 72 characters; a longer one ends in an ellipsis. Without what could move a cursor or
 * turn the text around it: control characters, and those that format (Unicode Cc and Cf, where bidi's are; UAX #9, 2).
 * @param text as git shows it, or its beginning
 * @returns null where it says nothing
 */
export function subjectIn(text: string): string | null {
  const lines = text.split(/[\n\r\u2028\u2029]/u).map(plain)
  const first = lines.find((line) => line !== '')
  if (first === undefined) return null
  const characters = [...first]
  if (characters.length <= MAX_SUBJECT_LENGTH) return first
  return `${characters
    .slice(0, MAX_SUBJECT_LENGTH - 1)
    .join('')
    .trimEnd()}…`
}

const plain = (line: string): string =>
  line
    .replaceAll(/\s/gu, ' ')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '')
    .replaceAll(/ +/gu, ' ')
    .trim()
