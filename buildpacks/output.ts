/** What the pusher sees: phases, and below each what its program says, line by line as it comes. */
import { StringDecoder } from 'node:string_decoder'
import type { Output } from './contract.ts'

const INDENT = ' '.repeat(7)

/** @param write takes whole lines, each with its line end */
export function createOutput(write: (text: string) => void): Output {
  return {
    title: (text) => write(`-----> ${text}\n`),
    line: (text) => write(`${INDENT}${text}\n`),
    warning: (text) => write(` !     ${text}\n`),
  }
}

export type Lines = { push(chunk: Buffer): void; end(): void }

const MAX_LINE = 4096

/** Cuts a stream of bytes into lines. A line longer than 4096 characters is cut, so that endless output stays bounded. */
export function createLines(onLine: (line: string) => void): Lines {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  function take(text: string): void {
    const lines = (rest + text).split(/\r?\n/)
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
    while (rest.length > MAX_LINE) {
      onLine(rest.slice(0, MAX_LINE))
      rest = rest.slice(MAX_LINE)
    }
  }
  return {
    push: (chunk) => take(decoder.write(chunk)),
    end() {
      take(decoder.end())
      if (rest !== '') onLine(rest)
      rest = ''
    },
  }
}
