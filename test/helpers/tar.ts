/** Tar archives (POSIX.1-1988 ustar, long names as GNU has them) that no tar program would write. */
const BLOCK = 512
const TYPES = { file: '0', hardLink: '1', link: '2', character: '3', block: '4', folder: '5', fifo: '6', longName: 'L' }

export type TarEntry = {
  name: string | Buffer
  type?: keyof typeof TYPES
  mode?: number
  link?: string
  content?: string | Buffer
  device?: [major: number, minor: number]
}

export const tarOf = (entries: TarEntry[]): Buffer =>
  Buffer.concat([...entries.flatMap(entryBlocks), Buffer.alloc(2 * BLOCK)])

function entryBlocks(entry: TarEntry): Buffer[] {
  const name = Buffer.from(entry.name as string)
  const longName = name.length > 100 ? entryBlocks({ name: '././@LongLink', type: 'longName', content: name }) : []
  const content = Buffer.from((entry.content ?? '') as string)
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)
  return [...longName, header({ ...entry, name: name.subarray(0, 100) }, content.length), content, padding]
}

function header({ name, type = 'file', mode = 0o644, link = '', device = [0, 0] }: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, offset: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1')
  Buffer.from(name as string).copy(block, 0)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  block.write('        ', 148, 'latin1')
  block.write(TYPES[type], 156, 'latin1')
  block.write(link.slice(0, 100), 157, 'latin1')
  block.write('ustar\x0000root', 257, 'latin1')
  octal(device[0], 329, 8)
  octal(device[1], 337, 8)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
