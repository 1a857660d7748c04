/**
 * The pre-receive hook is where a push waits for its deploy. It decides nothing: it hands what is pushed to the
 * controller over file descriptor 3, a socket that the controller gave to git and that git's children inherit, prints
 * what comes back, and ends as told. So no other process can speak for a push, and there is no secret to keep.
 *
 * hook → controller: `objects FOLDER`, then git's `OLD NEW REF` lines, then `end`
 * controller → hook: `say LINE` …, then `exit 0` or `exit 1`
 */
import type { Duplex } from 'node:stream'

export const HOOK_FD = 3

/** Plain sh: git's user may be unable to read the folder that Berth itself is installed in. */
export const hookScript = `#!/bin/sh
# Written by Berth at each start. See controller/git/hook.ts.
{ printf 'objects %s\\n' "$GIT_OBJECT_DIRECTORY" && cat && echo end; } >&${HOOK_FD} || exit 1
while IFS= read -r answer <&${HOOK_FD}; do
  case $answer in
    'say '*) printf '%s\\n' "\${answer#say }" ;;
    'exit '*) exit "\${answer#exit }" ;;
  esac
done
echo 'Berth is restarting. If the deploy was accepted it goes on: see berth releases.'
exit 1
`

export type HookRequest = {
  /** Where git keeps the pushed objects until the push is taken; empty when the push brought none. */
  objects: string
  /** `OLD NEW REF` per changed ref. */
  changes: string[]
}

const MAX_REQUEST = 64 * 1024

/** @returns null when the hook ended early; 'tooLong' for more than any push that could be taken */
export function readRequest(socket: Duplex): Promise<HookRequest | 'tooLong' | null> {
  const { promise, resolve } = Promise.withResolvers<HookRequest | 'tooLong' | null>()
  let text = ''
  let length = 0
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    length += chunk.length
    // The hook hears nothing before it has said all, so the rest is read and forgotten.
    text = length > MAX_REQUEST ? (text + chunk).slice(-LAST_WORD.length) : text + chunk
    if (!text.endsWith(LAST_WORD)) return
    resolve(length > MAX_REQUEST ? 'tooLong' : parseRequest(text))
  })
  socket.on('close', () => resolve(null))
  return promise
}

const LAST_WORD = '\nend\n'

/** @param text all that the hook says, with its last word */
export function parseRequest(text: string): HookRequest {
  const [objects = '', ...changes] = text.slice(0, -LAST_WORD.length).split('\n')
  return { objects: objects.replace(/^objects /, ''), changes }
}

const MAX_LINE = 2000

/** A line for the pusher. What comes from builds may hold anything; a line end would be read as the next word to the hook. */
export function say(socket: Duplex, text: string): void {
  for (const line of text.split(/[\r\n\0]+/)) send(socket, `say ${line.slice(0, MAX_LINE)}`)
}

export function exit(socket: Duplex, code: 0 | 1): void {
  send(socket, `exit ${code}`)
}

function send(socket: Duplex, line: string): void {
  if (socket.writable) socket.write(line + '\n')
}
