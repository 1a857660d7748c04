/** ◆ The grammar of .env files, both ways. */
import { isConfigName } from '#core/domain/app.ts'

export type DotEnv = {
  variables: Record<string, string>
  /** Lines that say nothing that can be understood, counted from 1. */
  wrong: number[]
}

/** `KEY=value`, `KEY='as it is'`, `KEY="with \n and \" in it"`, over several lines within quotes; `export ` before it; `#` comments. */
export function parseDotEnv(text: string): DotEnv {
  const variables: Record<string, string> = {}
  const wrong: number[] = []
  const entry =
    /^[ \t]*(?:export[ \t]+)?([^\s=#]+)[ \t]*=[ \t]*(?:'([^']*)'|"((?:[^"\\]|\\[^])*)"|([^\n]*))[ \t]*(?:#[^\n]*)?$/
  const lines = text.replaceAll('\r\n', '\n').split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const begin = at
    let line = lines[at] ?? ''
    if (/^\s*(#|$)/.test(line)) continue
    while (isOpen(line) && at + 1 < lines.length) line += `\n${lines[(at += 1)] ?? ''}`
    const match = entry.exec(line)
    const [, name = '', literal, quoted, plain = ''] = match ?? []
    if (match === null || !isConfigName(name)) {
      wrong.push(begin + 1)
      at = begin
    } else variables[name] = literal ?? (quoted === undefined ? withoutComment(plain) : unescape(quoted))
  }
  return { variables, wrong }
}

/** Sorted, and each value in quotes that bring it back as it was. */
export const renderDotEnv = (variables: Record<string, string>): string =>
  Object.entries(variables)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${quote(value)}\n`)
    .join('')

const isOpen = (line: string) => /=[ \t]*(?:'[^']*|"(?:[^"\\]|\\[^])*)$/.test(line)

const withoutComment = (text: string) => text.replace(/(^|\s)#.*$/, '').trim()

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t' }
const unescape = (text: string) => text.replace(/\\([^])/g, (_, letter: string) => escapes[letter] ?? letter)

const quote = (value: string): string =>
  /^[\w@%+:,./-]*$/.test(value)
    ? value
    : `"${value.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}"`
