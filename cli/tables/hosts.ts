/** The command table's rows on hosts and the stacks that apps run on. */
import type { CommandSpec } from '../program.ts'
import { noWait } from './options.ts'

export const hostCommands: CommandSpec[] = [
  {
    name: 'hosts',
    group: 'Operators',
    aliases: ['hosts:list'],
    summary: 'List the hosts, what they offer, and what is reserved and used',
    examples: ['hosts', 'hosts --json'],
    load: async () => (await import('../commands/hosts.ts')).list,
  },
  {
    name: 'hosts:cordon',
    group: 'Operators',
    args: '<host>',
    summary: 'Place no new instances on a host, and move off those that are there',
    examples: ['hosts:cordon host-2'],
    load: async () => (await import('../commands/hosts.ts')).cordon,
  },
  {
    name: 'hosts:uncordon',
    group: 'Operators',
    args: '<host>',
    summary: 'Place new instances on a host again',
    examples: ['hosts:uncordon host-2'],
    load: async () => (await import('../commands/hosts.ts')).uncordon,
  },
  {
    name: 'doctor',
    group: 'Operators',
    summary: 'Look whether this machine is fit to be a host, and say what to do; as root, on the host',
    options: [['--all', 'show what is fine, too']],
    examples: ['doctor', 'doctor --all', 'doctor --json'],
    load: async () => (await import('../commands/doctor.ts')).doctor,
  },
  {
    name: 'stacks',
    group: 'Operators',
    aliases: ['stacks:list'],
    summary: 'List the stack images that apps run on; the one in use has a star',
    examples: ['stacks', 'stacks --json'],
    load: async () => (await import('../commands/stacks.ts')).list,
  },
  {
    name: 'stacks:build',
    group: 'Operators',
    summary: "Make a stack image with today's packages: the one in use, brought up to date",
    options: [['--host <host>', 'which host makes it (any)'], ['--fresh', 'make it from nothing'], noWait],
    examples: ['stacks:build', 'stacks:build --fresh --host host-2'],
    load: async () => (await import('../commands/stacks.ts')).build,
  },
  {
    name: 'stacks:use',
    group: 'Operators',
    args: '[stack]',
    summary: 'Move all apps to a stack, without building them again and without an outage',
    options: [
      ['--rollback', 'go back to the stack before'],
      ['--force', 'even to another Debian release than apps were built on'],
    ],
    examples: ['stacks:use debian-13-20261121-1', 'stacks:use --rollback'],
    load: async () => (await import('../commands/stacks.ts')).use,
  },
  {
    name: 'stacks:destroy',
    group: 'Operators',
    args: '<stack>',
    summary: 'Destroy a stack image that nothing runs on',
    examples: ['stacks:destroy debian-13-20261103-1'],
    load: async () => (await import('../commands/stacks.ts')).destroy,
  },
]
