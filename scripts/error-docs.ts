/** Writes docs/errors.md: `node_modules/.bin/node scripts/error-docs.ts`. */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { errorCodes, type CodeMeaning } from '#core/domain/error-codes.ts'

const file = fileURLToPath(new URL('../docs/errors.md', import.meta.url))

const introduction = `# Errors

Whatever Berth says no with has a code. Programs go by the code, which never changes what it means; people read the \`detail\`,
which names the cause, the value and the next step. The API answers problem documents
([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)):

\`\`\`json
{
  "type": "urn:berth:error:NAME_TAKEN",
  "title": "Conflict",
  "status": 409,
  "detail": "The name \\"shop\\" is taken. Choose another.",
  "code": "NAME_TAKEN",
  "requestId": "6f1c…"
}
\`\`\`

Some carry further fields, which are said below. The CLI ends with 1 for these, with 3 for \`UNAUTHENTICATED\`, with 4 where the
API cannot be reached. This page is made from \`core/domain/error-codes.ts\`.
`

const chapters = [
  { title: 'Answers of the API', met: 'API' },
  { title: 'In the words of a deploy that failed', met: 'deploy' },
  { title: 'Where a process does not start', met: 'start' },
] as const

export function errorPage(): string {
  const parts = chapters.map(({ title, met }) => {
    const codes = Object.entries(errorCodes).filter(([, code]) => code.met === met)
    return `## ${title}\n\n${codes.map(section).join('\n')}`
  })
  return [introduction, ...parts].join('\n')
}

const section = ([name, { status, met, meaning, next }]: [string, CodeMeaning]): string =>
  `### ${name}\n\n${met === 'API' ? `**${status}.** ` : ''}${meaning} _Next:_ ${next}\n`

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(file, errorPage())
