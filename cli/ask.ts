/** Reads from the person or the pipe in front of the CLI. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'

/** Everything that is piped in, less one newline at the end, which `echo` adds. */
export async function readAll(stdin: NodeJS.ReadStream): Promise<string> {
  return (await text(stdin)).replace(/\r?\n$/, '')
}

/** Asks on the terminal. The question goes to stderr, so that stdout stays the result's. */
export async function ask(stdin: NodeJS.ReadStream, question: string, fallback: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: process.stderr })
  try {
    return (await lines.question(question)).trim() || fallback
  } finally {
    lines.close()
  }
}

/** Asks on the terminal without showing what is typed. */
export async function askSecret(stdin: NodeJS.ReadStream, question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true })
  process.stderr.write(question)
  // Without this Ctrl-C would only end the question.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    return await lines.question('')
  } finally {
    lines.close()
    process.stderr.write('\n')
  }
}
