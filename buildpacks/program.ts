/** Looks at the programs that a Procfile names before anything tries to run them: what cannot run here is said at the build. */
import { constants } from 'node:fs'
import { access, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Procfile } from '#core/domain/procfile.ts'
import { invalidFile, type AppFolder } from './contract.ts'

const HEAD_BYTES = 4096

/** @throws BuildFailure naming the process, the program and the way out */
export async function checkPrograms(app: AppFolder, processes: Procfile, arch = process.arch): Promise<void> {
  for (const [type, command] of Object.entries(processes)) {
    const path = programOf(command ?? '')
    if (path === null || !(await app.has(path))) continue
    const why = refusal(path, await headOf(join(app.path, path)), await isExecutable(join(app.path, path)), arch)
    if (why !== null) throw invalidFile(`The Procfile's ${type} runs ${path}, ${why}`)
  }
}

/** The file of the app that a command runs, if its first word is one without anything of the shell's. */
export function programOf(command: string): string | null {
  const word = /^(?:exec\s+)?(\S+)/.exec(command)?.[1] ?? ''
  if (!word.includes('/') || !/^[\w.@+/-]+$/.test(word)) return null
  const path = word.replace(/^\/app\//, '').replace(/^(?:\.\/+)+/, '')
  return path.startsWith('/') || path.split('/').includes('..') ? null : path
}

const isExecutable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  )

async function headOf(file: string): Promise<Buffer> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

// ── what it is ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** ELF's e_machine (elf.h), by Node's name of the architecture. */
const machines: Record<string, number> = { x64: 62, arm64: 183 }
const machineNames: Record<number, string> = {
  3: '32-bit x86',
  40: '32-bit ARM',
  62: 'x86-64',
  183: 'ARM64',
  243: 'RISC-V',
}

/** @returns why a file cannot be run here, and what to do; null where nothing speaks against it */
export function refusal(path: string, head: Buffer, executable: boolean, arch: string): string | null {
  const foreign = foreignFormat(head, arch)
  if (linksMusl(head))
    return "which is linked against musl (Alpine's C library), and this stack has glibc. Link it statically, or on Debian; commit it and push again."
  if (foreign !== null)
    return `${foreign}; this host runs Linux on ${machineNames[machines[arch] ?? 0] ?? arch}. Compile it for that (for example GOOS=linux GOARCH=${arch === 'arm64' ? 'arm64' : 'amd64'}), commit it and push again.`
  if (!executable) return `which is not executable. Run "git update-index --chmod=+x ${path}", commit and push again.`
  return null
}

function foreignFormat(head: Buffer, arch: string): string | null {
  if (head.length < 20) return null
  const magic = head.readUInt32BE(0)
  if ([0xcffaedfe, 0xcefaedfe, 0xcafebabe, 0xfeedface, 0xfeedfacf].includes(magic)) return 'a program for macOS'
  if (head.toString('latin1', 0, 2) === 'MZ') return 'a program for Windows'
  if (magic !== 0x7f454c46) return null
  const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18)
  if (machine !== machines[arch]) return `a program for ${machineNames[machine] ?? `another machine (${machine})`}`
  return null
}

const linksMusl = (head: Buffer): boolean => /\/ld-musl-[\w-]+\.so\.1/.test(head.toString('latin1'))
