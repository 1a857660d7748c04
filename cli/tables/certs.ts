/** The command table's rows on certificates. */
import type { CommandSpec } from '../program.ts'
import { ofPlatform } from './options.ts'

export const certCommands: CommandSpec[] = [
  {
    name: 'certs',
    group: 'Certificates',
    aliases: ['certs:list'],
    ofApp: true,
    summary: 'List the certificates, and how far the automatic ones are',
    options: [ofPlatform],
    examples: ['certs', 'certs -a hello --json', 'certs --platform'],
    load: async () => (await import('../commands/certs.ts')).list,
  },
  {
    name: 'certs:info',
    group: 'Certificates',
    args: '<id>',
    ofApp: true,
    summary: 'Show a certificate',
    options: [ofPlatform],
    examples: ['certs:info c-abcdefghijklm'],
    load: async () => (await import('../commands/certs.ts')).info,
  },
  {
    name: 'certs:add',
    group: 'Certificates',
    args: '<certificate> <key>',
    ofApp: true,
    summary: 'Bring a certificate: PEM files with its chain and its private key; - reads one from standard input',
    options: [ofPlatform],
    examples: ['certs:add fullchain.pem privkey.pem -a hello', 'certs:add --platform wildcard.pem - < key.pem'],
    load: async () => (await import('../commands/certs.ts')).add,
  },
  {
    name: 'certs:remove',
    group: 'Certificates',
    args: '<id>',
    ofApp: true,
    summary: 'Remove a certificate',
    options: [ofPlatform],
    examples: ['certs:remove c-abcdefghijklm'],
    load: async () => (await import('../commands/certs.ts')).remove,
  },
  {
    name: 'certs:retry',
    group: 'Certificates',
    args: '<host>',
    ofApp: true,
    summary: 'Ask again for an automatic certificate that failed, e.g. after its DNS was put right',
    options: [ofPlatform],
    examples: ['certs:retry www.example.com'],
    load: async () => (await import('../commands/certs.ts')).retry,
  },
]
