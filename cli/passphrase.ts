/** The passphrase of an app's file: from a file, from a pipe, or typed. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import { askSecret, readAll } from './ask.ts'
import type { Context } from './context.ts'
import { failed, usage } from './failures.ts'

const LEAST_CHARACTERS = 8

/** @param file `-`: standard input */
export async function readPassphrase({ stdin, cwd }: Context, file: string): Promise<string> {
  const text = file === '-' ? await readAll(stdin) : await readFile(resolve(cwd, file), 'utf8').catch(orNotRead(file))
  const passphrase = text.replace(/\r?\n$/, '')
  if (passphrase.length < LEAST_CHARACTERS)
    throw usage(
      `The passphrase must have at least ${LEAST_CHARACTERS} characters; that in ${file} has ${passphrase.length}.`,
    )
  return passphrase
}

/** @throws a usage error where nobody can be asked */
export async function askPassphrase({ stdin }: Context): Promise<string> {
  if (!stdin.isTTY)
    throw usage(
      'The config vars in this file are sealed. Give the passphrase with --passphrase-file FILE, or - for standard input.',
    )
  return askSecret(stdin, 'Passphrase: ')
}

const orNotRead = (file: string) => (error: unknown) => {
  throw failed(`${file} cannot be read: ${messageOf(error)}`)
}
