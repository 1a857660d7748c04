/** One HTTP exchange with an authority. Node's own client, since an operator may name the authorities to trust here. */
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'

export type Reply = { status: number; headers: Record<string, string | string[] | undefined>; body: string }
export type Send = (url: string, signal: AbortSignal, body?: object) => Promise<Reply>

const TIMEOUT_MS = 30_000
const MAX_BYTES = 1024 * 1024

/** @param ca PEM bundle of those who may vouch for the server; null: those that Node trusts */
export const createSend =
  (ca: string | null): Send =>
  (url, signal, body) =>
    new Promise((resolve, reject) => {
      const request = new URL(url).protocol === 'https:' ? requestTls : requestPlain
      const text = body === undefined ? null : JSON.stringify(body)
      const call = request(
        url,
        {
          method: text === null ? 'GET' : 'POST',
          signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
          headers: {
            // RFC 8555 §6.1 asks for one.
            'User-Agent': 'Berth',
            ...(text === null
              ? {}
              : { 'Content-Type': 'application/jose+json', 'Content-Length': Buffer.byteLength(text) }),
          },
          ...(ca === null ? {} : { ca }),
        },
        (response) => {
          const pieces: Buffer[] = []
          let bytes = 0
          response.on('data', (piece: Buffer) => {
            bytes += piece.length
            if (bytes > MAX_BYTES) call.destroy(new Error(`the answer of ${url} is longer than ${MAX_BYTES} bytes`))
            else pieces.push(piece)
          })
          response.on('error', reject)
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(pieces).toString('utf8'),
            }),
          )
        },
      )
      call.on('error', reject)
      call.end(text ?? undefined)
    })
