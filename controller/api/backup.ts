/** A backup of everything, for operators: made while it is sent, so that it takes no room here. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { writeBackup } from '../backup/write.ts'
import { callerOf } from './auth.ts'
import type { ApiContext } from './context.ts'
import type { Routes } from './routes.ts'

export const backupRoutes = (context: ApiContext): Routes => ({
  '/backup': {
    async GET(req, res) {
      const left = new AbortController()
      res.on('close', () => left.abort())
      const content = writeBackup(context, callerOf(req).actor, AbortSignal.any([left.signal, context.signal]))
      // What fails at once is said in words; what fails later breaks the answer off, and the file has no manifest.
      const first = await content.next()
      res.status(200).type('application/octet-stream').setHeader('Cache-Control', 'no-store')
      res.setHeader('X-Accel-Buffering', 'no')
      if (first.done !== true) res.write(first.value)
      await pipeline(Readable.from(content, { objectMode: false }), res)
    },
  },
})
