/** The command table's rows for getting into instances that run. */
import type { CommandSpec } from '../program.ts'

export const execCommands: CommandSpec[] = [
  {
    name: 'ps:exec',
    group: 'Running',
    args: '[words...]',
    ofApp: true,
    passThrough: true,
    summary: 'Run a command, or a shell, inside an instance that runs, within its limits',
    options: [['--no-tty', 'pipes, even where this is a terminal']],
    examples: [
      'ps:exec',
      'ps:exec worker.2',
      'ps:exec -a hello web.1 -- tail -f log/debug.log',
      "ps:exec web.1 'cat heap.json' > heap.json",
    ],
    uses: ['GET /apps/:app/instances'],
    load: async () => (await import('../commands/inside.ts')).exec,
  },
  {
    name: 'ps:forward',
    group: 'Running',
    args: '<words...>',
    ofApp: true,
    summary: 'Forward ports of this machine to ports of an instance that runs: LOCAL, or LOCAL:REMOTE',
    examples: ['ps:forward 9229', 'ps:forward worker.1 8081:8080 9229', 'ps:forward -a hello 15432:5432'],
    uses: ['GET /apps/:app/instances'],
    load: async () => (await import('../commands/inside.ts')).forward,
  },
]
