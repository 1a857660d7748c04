/** What package managers print when the network or the registry failed them, and not the app. */

export type NetworkFailure = { when: RegExp; what: (found: RegExpExecArray) => string }

const inItself = ([text]: RegExpExecArray) => text
const caught = ([, text]: RegExpExecArray) => text ?? ''

/**
 * Codes are Node's (npm, pnpm, yarn, Bun, Deno), sentences those of curl, pip's urllib3, Go's net, Bundler, Composer and
 * Java. A refusal by the registry (401, 403, 404) is none of these: it would be the same the next time.
 */
export const networkFailures: readonly NetworkFailure[] = [
  {
    // What refuses on the sandbox's own loopback is no registry, but something that a script of the app looked for there.
    when: /\b(ECONNRESET|ECONNREFUSED(?! (?:127\.|::1|localhost))|ETIMEDOUT|ESOCKETTIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|EPIPE|UND_ERR_\w*TIMEOUT|UND_ERR_SOCKET|ERR_SOCKET_TIMEOUT|ERR_STREAM_PREMATURE_CLOSE)\b/,
    what: caught,
  },
  { when: /\bENOTFOUND\b/, what: () => 'ENOTFOUND, a name that DNS does not know' },
  // npm: "code E503", "503 Service Unavailable - GET …"; pip: "HTTP error 502 while getting"; yarn: "Request failed \"500 …\"".
  {
    when: /\b(?:code E|HTTP error |status code:? |HTTP\/[\d.]+ |Request failed ")(5\d\d)\b/i,
    what: ([, code]) => `${code} from the registry`,
  },
  {
    when: /\b(50[0234]) (?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)\b/i,
    what: ([, code]) => `${code} from the registry`,
  },
  { when: /\b(?:code E429|429 Too Many Requests)\b/i, what: () => '429, too many requests to the registry' },
  {
    when: /Temporary failure in name resolution|Could not resolve host|Name or service not known|no such host|Failed to resolve '|NewConnectionError|UnknownHostException/,
    what: inItself,
  },
  {
    when: /Connection (?:reset by peer|timed out)|Read timed out|ReadTimeoutError|ConnectTimeoutError|TLS handshake timeout|i\/o timeout|unexpected EOF while reading|network (?:timeout at|connectivity)|Net::(?:Open|Read)Timeout|SocketTimeoutException|socket hang up/i,
    what: inItself,
  },
]
