/** `npm run docs`: writes the pages of docs/ that are made from what the code declares. */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { commands } from '../cli/tables/index.ts'
import { cliReference } from './docs/cli.ts'

const file = fileURLToPath(new URL('../docs/cli.md', import.meta.url))
await writeFile(file, await cliReference(commands, file))
console.log(file)
