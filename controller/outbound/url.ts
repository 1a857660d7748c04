/** What can be said of a URL that people give before its name is looked up. */

const LONGEST = 2000

/**
 * @param text as somebody typed it
 * @returns what is wrong with it, as the end of a sentence that begins with its name; null when nothing is
 */
export function faultOfUrl(text: string): string | null {
  if (text.length > LONGEST) return `must have at most ${LONGEST} characters`
  if (!URL.canParse(text) || /[\s\p{Cc}]/u.test(text)) return 'must be a URL like https://example.com/hooks'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https://'
  if (url.username !== '' || url.password !== '')
    return 'must hold no user and password: what is sent is signed, or put a token into its path'
  if (url.port === '0') return 'must name a port from 1 to 65535'
  return null
}

/** The name or address that a URL's host stands for: without brackets, and without the dot that ends a DNS name. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
