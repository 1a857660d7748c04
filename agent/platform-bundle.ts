/** `platform-bundle.ts INPUT OUTPUT`: a program and all that it imports as one file. A process of its own: see platform.ts. */
import { rolldown } from 'rolldown'

const [input = '', file = ''] = process.argv.slice(2)
const bundle = await rolldown({ input, platform: 'node' })
await bundle.write({ file, format: 'esm', codeSplitting: false })
