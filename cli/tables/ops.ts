/** Commands for whoever runs the platform. */
import type { CommandSpec } from '../program.ts'

const group = 'Operating'

export const opsCommands: CommandSpec[] = [
  {
    name: 'audit',
    group,
    aliases: ['audit:list'],
    summary: 'Show who did what, to what, from where, and how it ended (operators; owners of a tenant for theirs)',
    options: [
      ['-n, --num <count>', 'how many, the newest (50)'],
      ['--since <time>', 'a day, a time, or how long ago, like 24h or 7d'],
      ['--until <time>', 'the same'],
      ['--actor <who>', "part of a name, or a token's or a user's id"],
      ['--operation <beginning>', 'like "POST /apps", DELETE or "git push"'],
      ['-a, --app <name>', 'of one app'],
      ['--tenant <id>', 'of one tenant'],
    ],
    examples: ['audit', 'audit --since 24h --actor ci', 'audit -a shop --operation "git push" --json'],
    load: async () => (await import('../commands/audit.ts')).list,
  },
  {
    name: 'audit:export',
    group,
    args: '<file>',
    summary: 'Save the audit log as JSON lines, with its chain; - for standard output (operators)',
    examples: ['audit:export audit.jsonl', 'audit:export - | gzip > audit.jsonl.gz'],
    load: async () => (await import('../commands/audit.ts')).exportTo,
  },
  {
    name: 'audit:verify',
    group,
    args: '[files...]',
    summary: 'Check that nothing in the audit log was changed, removed or put in: here, or in files that were exported',
    options: [['--head <head>', 'what is known of it, as SEQ:HASH: an earlier head, from a log or a note']],
    examples: ['audit:verify', 'audit:verify audit.jsonl', 'audit:verify --head 1042:9f86d081884c7d65…'],
    load: async () => (await import('../commands/audit.ts')).verify,
  },
  {
    name: 'hosts:drain',
    group,
    args: '<host>',
    summary: 'Move everything off a host, and wait until nothing runs there (operators)',
    options: [
      ['--timeout <time>', 'how long to wait, like 90s, 15m or 2h (15m); it goes on afterwards'],
      ['--no-wait', 'return at once'],
    ],
    examples: ['hosts:drain host-2', 'hosts:drain host-2 --timeout 1h && ssh host-2 reboot'],
    load: async () => (await import('../commands/drain.ts')).drain,
  },
  {
    name: 'hosts:doctor',
    group,
    args: '[host]',
    summary: 'Show what berth doctor finds on each host, or on one (operators)',
    options: [['--all', 'also what is fine']],
    examples: ['hosts:doctor', 'hosts:doctor host-2 --all', 'hosts:doctor --json'],
    load: async () => (await import('../commands/hosts-doctor.ts')).doctor,
  },
  {
    name: 'hosts:remove',
    group,
    args: '<host>',
    summary: 'Forget a host that is gone for good (operators)',
    examples: ['hosts:remove host-2'],
    load: async () => (await import('../commands/drain.ts')).remove,
  },
  {
    name: 'backup',
    group,
    args: '[file]',
    summary:
      'Save everything as one file, while everything goes on: state, keys, code, git; - for standard output (operators)',
    options: [['--passphrase-file <file>', 'seal it with the passphrase in it, - for standard input']],
    examples: [
      'backup --passphrase-file secret.txt',
      'backup berth.backup',
      'backup - --passphrase-file secret.txt | ssh vault "cat > berth.backup"',
    ],
    load: async () => (await import('../commands/backup.ts')).backup,
  },
  {
    name: 'restore',
    group,
    args: '<file>',
    summary: 'Bring a backup back, on this machine, into an empty data folder (BERTH_HOME); Berth must not run',
    options: [
      ['--passphrase-file <file>', 'open it with the passphrase in it, - for standard input'],
      ['--force', 'put what is there aside first, and replace the state'],
    ],
    examples: ['restore berth.backup', 'restore berth.backup --passphrase-file secret.txt --force'],
    load: async () => (await import('../commands/backup.ts')).restore,
  },
  {
    name: 'install',
    group,
    summary: 'Run Berth, or a part of it, as systemd units of this machine; its settings are those of your environment',
    options: [
      ['--role <role>', 'all, controller, router or agent (all)'],
      ['--controller <url>', 'of a host: where its controller is'],
      ['--token-file <file>', "of a host: the file agent-token of the controller's data folder"],
      ['--dry-run', 'print the units and change nothing'],
      ['--into <folder>', 'write the files below a folder, for the image of a machine, and start nothing'],
    ],
    examples: [
      'install --dry-run',
      'install',
      'install --role agent --controller https://berth.internal --token-file agent-token',
    ],
    load: async () => (await import('../commands/install.ts')).install,
  },
  {
    name: 'uninstall',
    group,
    summary: 'End what runs here, and remove the units; data and settings stay',
    examples: ['uninstall'],
    load: async () => (await import('../commands/install.ts')).uninstall,
  },
]
