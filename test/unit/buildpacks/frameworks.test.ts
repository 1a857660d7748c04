import assert from 'node:assert/strict'
import { readNodeApp } from '#buildpacks/node/app.ts'
import { frameworkOf, siteFolder } from '#buildpacks/node/frameworks.ts'
import { nodeProcesses, managersAtRunTime } from '#buildpacks/node/processes.ts'
import { anAppFolder } from '#test/helpers/app-folder.ts'

type Json = { scripts?: object; dependencies?: object; devDependencies?: object }

async function web(json: Json, made: string[] = []): Promise<string | undefined> {
  const app = await readNodeApp(anAppFolder({ 'package.json': json }))
  const { processes, site } = nodeProcesses(app, new Set(made))
  return site ? `site ${siteFolder(new Set(made))}` : processes['web' as never]
}

const next = { dependencies: { next: '16' } }
const start = (command: string, rest: Json = {}): Json => ({ ...rest, scripts: { start: command } })

describe('What a framework’s app runs', () => {
  const cases: [string, Json, string[], string | undefined][] = [
    ['Next.js by its start script', start('next start', next), [], 'next start'],
    ['Next.js without a start script', next, [], 'next start'],
    [
      'Next.js that was built to stand alone',
      start('next start', next),
      ['.next/standalone/server.js'],
      'HOSTNAME=0.0.0.0 node .next/standalone/server.js',
    ],
    ['Next.js that was exported as a site', start('next start', next), ['out/index.html'], 'site out'],
    [
      'a custom server of a Next.js app',
      start('node server.mjs', next),
      ['.next/standalone/server.js'],
      'node server.mjs',
    ],
    [
      'a Vite site, whatever its start script previews',
      start('vite preview --host', { devDependencies: { vite: '8' } }),
      ['dist/index.html', 'index.html'],
      'site dist',
    ],
    ['a Vite site with no start script', { devDependencies: { vite: '8' } }, ['dist/index.html'], 'site dist'],
    [
      'a server beside a Vite build',
      start('node server.js', { devDependencies: { vite: '8' } }),
      ['dist/index.html'],
      'node server.js',
    ],
    ['Create React App', start('react-scripts start'), ['build/index.html', 'public/index.html'], 'site build'],
    [
      'Nest by its compiled main',
      start('nest start', { dependencies: { '@nestjs/core': '11' } }),
      ['dist/main.js'],
      'node dist/main.js',
    ],
    [
      'Nest by its script for production',
      { scripts: { start: 'nest start', 'start:prod': 'node dist/main --x' }, dependencies: { '@nestjs/core': '11' } },
      ['dist/main.js'],
      'node dist/main --x',
    ],
    [
      'Nuxt by what Nitro built',
      start('nuxt dev', { dependencies: { nuxt: '4' } }),
      ['.output/server/index.mjs'],
      'node .output/server/index.mjs',
    ],
    [
      'SvelteKit with the adapter for Node',
      { devDependencies: { '@sveltejs/adapter-node': '5' } },
      ['build/index.js'],
      'node build/index.js',
    ],
    [
      'Astro with the adapter for Node',
      { dependencies: { '@astrojs/node': '9' } },
      ['dist/server/entry.mjs', 'dist/index.html'],
      'HOST=0.0.0.0 node dist/server/entry.mjs',
    ],
  ]
  for (const [what, json, made, expected] of cases)
    it(`is right for ${what}`, async () => assert.equal(await web(json, made), expected))

  it('has a name for the pusher', () => {
    const named = (dependencies: object, devDependencies: object = {}) =>
      frameworkOf({
        dependencies: new Map(Object.entries(dependencies)),
        devDependencies: new Map(Object.entries(devDependencies)),
      } as never)
    assert.equal(named({ next: '16', express: '5' }), 'Next.js')
    assert.equal(named({}, { vite: '8' }), 'Vite')
    assert.equal(named({ ms: '2' }), null)
  })
})

describe('Commands by package managers', () => {
  it('become what their script says, whichever manager is called', async () => {
    for (const call of [
      'npm start',
      'npm run serve',
      'yarn serve',
      'yarn run serve',
      'pnpm serve',
      'pnpm run serve',
      'bun run serve',
    ])
      assert.equal(
        await web({ scripts: { start: call === 'npm start' ? 'node a.js' : call, serve: 'node a.js' } }),
        'node a.js',
        call,
      )
    assert.equal(await web(start('bun run index.ts')), 'bun run index.ts')
  })

  it('are warned of when they are not there at run time', () => {
    const warned = (command: string, runner: 'node' | 'bun') =>
      managersAtRunTime({ web: command } as never, runner).length
    assert.equal(warned('yarn knex migrate', 'node'), 1)
    assert.equal(warned('bun index.ts', 'node'), 1)
    assert.equal(warned('bun index.ts', 'bun'), 0)
    assert.equal(warned('node server.js', 'node'), 0)
  })
})
