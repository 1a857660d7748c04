/** The sample apps of the checkout's folder templates/, each small enough to be held whole. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { parse } from '#core/contract/schema.ts'
import type { TemplateDetail, TemplateFile } from '#core/contract/tools.ts'
import { end, header, padding, type Entry } from '#core/domain/archive.ts'
import { notFound } from '#core/domain/errors.ts'

const shipped = fileURLToPath(new URL('../templates', import.meta.url))

/** `template.json`; the app itself is in the folder `app` beside it. */
const description = z.strictObject({
  title: z.string(),
  summary: z.string(),
  language: z.string(),
  processes: z.array(z.string()),
})

export type Templates = {
  /** By name. */
  list(): Promise<TemplateDetail[]>
  /** @throws NOT_FOUND */
  find(name: string): Promise<TemplateDetail>
}

/** They are read at the first call, and then kept: they change with the checkout only. */
export function openTemplates(folder = shipped): Templates {
  let read: Promise<TemplateDetail[]> | null = null
  const list = () =>
    (read ??= readAll(folder).catch((error: unknown) => {
      read = null
      throw error
    }))
  return {
    list,
    async find(name) {
      const found = (await list()).find((template) => template.name === name)
      if (!found) throw notFound('template', name)
      return found
    },
  }
}

/** A tar archive of the app, as `berth deploy` would send it. */
export function archiveOf({ files }: Pick<TemplateDetail, 'files'>): Buffer {
  const parts = files.flatMap(({ path, content, isExecutable }) => {
    const bytes = Buffer.from(content)
    const entry: Entry = { path, kind: 'file', size: bytes.length, isExecutable, target: '' }
    return [header(entry), bytes, new Uint8Array(padding(bytes.length))]
  })
  return Buffer.concat([...parts, end()])
}

async function readAll(folder: string): Promise<TemplateDetail[]> {
  const names = (await readdir(folder, { withFileTypes: true })).filter((item) => item.isDirectory())
  return Promise.all(
    names
      .map(({ name }) => name)
      .sort()
      .map((name) => readOne(join(folder, name), name)),
  )
}

async function readOne(folder: string, name: string): Promise<TemplateDetail> {
  const text = await readFile(join(folder, 'template.json'), 'utf8')
  return { name, ...parse(description, JSON.parse(text)), files: await filesBelow(join(folder, 'app')) }
}

/** In an order that does not depend on the machine. */
async function filesBelow(folder: string, below = ''): Promise<TemplateFile[]> {
  const items = await readdir(join(folder, below), { withFileTypes: true })
  const found = await Promise.all(
    items
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(async (item) => {
        const path = below === '' ? item.name : `${below}/${item.name}`
        if (item.isDirectory()) return filesBelow(folder, path)
        const [content, { mode }] = await Promise.all([readFile(join(folder, path), 'utf8'), stat(join(folder, path))])
        return [{ path, content, isExecutable: (mode & 0o111) !== 0 }]
      }),
  )
  return found.flat()
}
