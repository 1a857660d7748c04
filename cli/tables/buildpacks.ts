/** The command table's rows for buildpacks and build settings. */
import type { CommandSpec } from '../program.ts'

const index: [string, string] = ['-i, --index <place>', 'a place in the list, from 1']

export const buildpackCommands: CommandSpec[] = [
  {
    name: 'apps:set',
    group: 'Apps',
    args: '<pairs...>',
    ofApp: true,
    summary: 'Choose the folder of the repository that is the app, and the branch whose pushes deploy',
    examples: ['apps:set root=apps/web', 'apps:set branch=production -a hello', 'apps:set root= branch='],
    load: async () => (await import('../commands/buildpacks.ts')).setSettings,
  },
  {
    name: 'apps:unset',
    group: 'Apps',
    args: '<names...>',
    ofApp: true,
    summary: 'Take back what apps:set has set',
    examples: ['apps:unset root branch -a hello'],
    load: async () => (await import('../commands/buildpacks.ts')).unsetSettings,
  },
  {
    name: 'buildpacks',
    group: 'Apps',
    aliases: ['buildpacks:list'],
    ofApp: true,
    summary: 'List the buildpacks that are set for an app, and those that there are',
    examples: ['buildpacks', 'buildpacks -a hello --json'],
    load: async () => (await import('../commands/buildpacks.ts')).list,
  },
  {
    name: 'buildpacks:set',
    group: 'Apps',
    args: '<buildpacks...>',
    ofApp: true,
    summary: 'Build an app with these buildpacks, in their order; with --index, put one in the place of another',
    options: [index],
    examples: [
      'buildpacks:set python',
      'buildpacks:set node https://github.com/heroku/heroku-buildpack-apt.git#main python',
      'buildpacks:set ruby --index 2 -a hello',
    ],
    load: async () => (await import('../commands/buildpacks.ts')).set,
  },
  {
    name: 'buildpacks:add',
    group: 'Apps',
    args: '<buildpacks...>',
    ofApp: true,
    summary: 'Add buildpacks, at the end or in the place of --index',
    options: [index],
    examples: ['buildpacks:add https://github.com/heroku/heroku-buildpack-apt.git --index 1'],
    load: async () => (await import('../commands/buildpacks.ts')).add,
  },
  {
    name: 'buildpacks:remove',
    group: 'Apps',
    args: '[buildpack]',
    ofApp: true,
    summary: 'Remove a buildpack from the list',
    options: [index],
    examples: ['buildpacks:remove node', 'buildpacks:remove --index 1 -a hello'],
    load: async () => (await import('../commands/buildpacks.ts')).remove,
  },
  {
    name: 'buildpacks:clear',
    group: 'Apps',
    ofApp: true,
    summary: 'Let the source decide again which buildpack builds an app',
    examples: ['buildpacks:clear -a hello'],
    load: async () => (await import('../commands/buildpacks.ts')).clear,
  },
]
