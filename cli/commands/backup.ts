/** backup, restore: all of a Berth as one file, and back again. For operators. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import { messageOf } from '#core/domain/errors.ts'
import type { Context, Options, Run } from '../context.ts'
import { failed, usage } from '../failures.ts'
import { isPackaged } from '../self.ts'
import { askPassphrase, readPassphrase } from '../passphrase.ts'
import { isSealed, openStream, sealStream } from '../sealed-stream.ts'
import { formatBytes } from '../text.ts'
import { progress, requireNew, save } from '../transfer.ts'

const NOT_SEALED =
  'This backup is not sealed: it holds every key, token and secret of the platform as they are. Keep it as you keep those, or give --passphrase-file FILE.'

export const backup: Run = async (context, [given], options) => {
  const { client, out, cwd, now } = context
  const name =
    given ??
    `berth-${new Date(now())
      .toISOString()
      .replace(/:\d\d\..*$/, '')
      .replace(/[:T]/g, '-')}.backup`
  const file = resolve(cwd, name)
  const passphrase = options.passphraseFile === undefined ? null : await readPassphrase(context, options.passphraseFile)
  if (name !== '-') await requireNew(file)
  const { content } = await (await client()).download('/backup')
  const whole = untilEnd(content)
  const sealed = passphrase === null ? whole : sealStream(whole, passphrase)
  if (name === '-') await pipeline(Readable.from(sealed, { objectMode: false }), process.stdout)
  else await save(context, sealed, file, null)
  if (passphrase === null) out.note(NOT_SEALED)
  if (name === '-') return
  const { size } = await stat(file)
  if (options.json) return out.json({ file, bytes: size, sealed: passphrase !== null })
  out.line(`Saved everything as ${name} (${formatBytes(size)}).`)
  out.note(`Bring it back, on a machine whose data folder is empty, with: berth restore ${name}`)
}

/** An archive ends with two empty blocks; a controller that fails half-way ends without them. */
async function* untilEnd(content: Readable): AsyncGenerator<Buffer> {
  let tail = Buffer.alloc(0)
  try {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      tail = Buffer.concat([tail, chunk]).subarray(-1024)
      yield chunk
    }
  } catch (error) {
    throw brokeOff(messageOf(error))
  }
  if (tail.length < 1024 || tail.some((byte) => byte !== 0)) throw brokeOff('it ended early')
}

const brokeOff = (why: string) =>
  failed(`The backup broke off, and nothing was saved: ${why}. The controller's log says why.`)

export const restore: Run = async (context, [name = ''], options) => {
  if (isPackaged)
    throw failed(
      "A backup is brought back with the checkout's own command, which has the platform's code: run bin/berth restore there.",
    )
  const { cwd, out } = context
  const file = resolve(cwd, name)
  const bytes = await sizeOf(file)
  const content = await contentOf(file, context, options)
  const restored = await runRestore(content, bytes, context, options)
  if (options.json) return out.json(restored)
  const { header, keys, files, bytes: held, replaced } = restored
  out.line(`Restored the backup of ${header.createdAt}: ${keys} keys of state, ${files} files, ${formatBytes(held)}.`)
  if (replaced !== null) out.note(`What was here before is in ${replaced}. Remove it when you are sure.`)
  out.note('Start Berth now (npm run up, or systemctl start berth.target): the apps come back by themselves.')
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    throw failed(`${file} cannot be read: ${messageOf(error)}`)
  }
}

async function contentOf(file: string, context: Context, options: Options): Promise<AsyncIterable<Uint8Array>> {
  const plain = () => createReadStream(file, { highWaterMark: 1024 * 1024 })
  if (!isSealed(await headOf(file))) {
    if (options.passphraseFile !== undefined) throw usage(`${file} is not sealed. Leave --passphrase-file out.`)
    return plain()
  }
  const passphrase =
    options.passphraseFile === undefined
      ? await askPassphrase(context)
      : await readPassphrase(context, options.passphraseFile)
  return openStream(plain(), passphrase)
}

async function headOf(file: string): Promise<Uint8Array> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(64) })
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

type Restored = {
  header: { createdAt: string }
  files: number
  bytes: number
  keys: number
  replaced: string | null
}

/** By the platform's own code on this machine, as `up` runs it: no Berth runs that could be asked. */
async function runRestore(
  content: AsyncIterable<Uint8Array>,
  bytes: number,
  context: Context,
  { force }: Options,
): Promise<Restored> {
  const { launcher, env, out } = context
  const script = join(dirname(dirname(launcher)), 'scripts', 'restore.ts')
  const child = spawn(process.execPath, ['--no-warnings', script, ...(force ? ['--force'] : [])], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let last = ''
  child.stderr.setEncoding('utf8').on('data', (said: string) => {
    for (const line of said.trimEnd().split('\n')) {
      if (last !== '') out.note(last)
      last = line
    }
  })
  const ended = once(child, 'close')
  const [answer] = await Promise.all([
    text(child.stdout),
    // It may have heard enough before the end: then what it said counts.
    pipeline(Readable.from(content, { objectMode: false }), progress(context, 'Read', bytes), child.stdin).catch(
      (error: NodeJS.ErrnoException) => {
        child.stdin.destroy()
        if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
      },
    ),
  ])
  const [code] = (await ended) as [number | null]
  if (code !== 0) throw failed(last === '' ? `The restore ended with code ${code ?? 'killed'}.` : last)
  if (last !== '') out.note(last)
  return JSON.parse(answer) as Restored
}
