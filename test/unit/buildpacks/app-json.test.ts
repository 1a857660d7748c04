import assert from 'node:assert/strict'
import { buildRelease } from '#core/contract/buildpack.ts'
import { parse } from '#core/contract/schema.ts'
import { defaultsOf, releasePartOf, tellAppJson } from '#buildpacks/app-json/index.ts'
import { emptyAppJson, parseAppJson } from '#buildpacks/app-json/parse.ts'
import { BuildFailure, exitCodes } from '#buildpacks/contract.ts'
import { createOutput } from '#buildpacks/output.ts'

const read = (json: object) => parseAppJson(JSON.stringify(json, null, 2))

describe('app.json', () => {
  it('says how many of each process there are, and how big, in Heroku’s sizes or in memory', () => {
    const { manifest } = read({
      formation: { web: { quantity: 2, size: 'Standard-2X' }, worker: { size: '256M' }, clock: { quantity: 0 } },
    })
    assert.deepEqual(manifest.formation, {
      web: { quantity: 2, size: { memoryMb: 1024, cpuMilli: null } },
      worker: { quantity: null, size: { memoryMb: 256, cpuMilli: null } },
      clock: { quantity: 0, size: null },
    })
  })

  it('names config vars with values, generated ones, and those without which nothing works', () => {
    const { manifest, required } = read({
      env: {
        PLAIN: 'text',
        VALUE: { value: 'x', description: 'an x' },
        SECRET: { generator: 'secret' },
        NEEDED: { description: 'no value' },
        ALSO: { required: true },
        OPTIONAL: { required: false },
      },
    })
    assert.deepEqual(manifest.env, { PLAIN: { value: 'text' }, VALUE: { value: 'x' }, SECRET: { generator: 'secret' } })
    assert.deepEqual(required, ['NEEDED', 'ALSO'])
  })

  it('takes postdeploy as a command or as an object with one', () => {
    assert.equal(read({ scripts: { postdeploy: 'rake db:seed' } }).manifest.postdeploy, 'rake db:seed')
    assert.equal(
      read({ scripts: { postdeploy: { command: 'rake db:seed', size: 'eco' } } }).manifest.postdeploy,
      'rake db:seed',
    )
  })

  it('reads buildpacks by Heroku’s names, by Berth’s, and by URL', () => {
    const urls = ['heroku/nodejs', 'urn:buildpack:heroku/python', 'https://example.com/x.git#v2', 'procfile']
    const { buildpacks } = read({ buildpacks: urls.map((url) => ({ url })) })
    assert.deepEqual(buildpacks, [
      { kind: 'own', name: 'node' },
      { kind: 'own', name: 'python' },
      { kind: 'git', url: 'https://example.com/x.git', ref: 'v2' },
      { kind: 'own', name: 'procfile' },
    ])
  })

  it('reads jobs by the clock, and gives those without a name one of their command', () => {
    const { cron } = read({
      cron: [
        { command: 'bin/rake reports:daily', schedule: '@daily' },
        { command: 'bin/rake reports:daily', schedule: '0  3 * * 1-5', concurrency_policy: 'forbid', timeout: 60 },
        { name: 'sync', command: 'node sync.js', schedule: '*/5 * * * *', overlap: 'replace' },
      ],
    })
    assert.deepEqual(cron, [
      {
        name: 'bin-rake-reports-daily',
        command: 'bin/rake reports:daily',
        schedule: '@daily',
        timeoutMs: 3_600_000,
        overlap: 'skip',
      },
      {
        name: 'bin-rake-reports-daily-2',
        command: 'bin/rake reports:daily',
        schedule: '0 3 * * 1-5',
        timeoutMs: 60_000,
        overlap: 'skip',
      },
      { name: 'sync', command: 'node sync.js', schedule: '*/5 * * * *', timeoutMs: 3_600_000, overlap: 'replace' },
    ])
  })

  it('reads health checks, Berth’s and the starting ones of Dokku’s', () => {
    const { health, ignored } = read({
      healthchecks: {
        web: { path: '/healthz', startTimeout: 30 },
        api: [
          { type: 'liveness', path: '/live' },
          { type: 'startup', name: 'up', path: '/up', attempts: 4, timeout: 5, wait: 10, initialDelay: 3 },
        ],
        worker: [{ type: 'startup', uptime: 5 }],
        smtp: { listening: true },
        quiet: { kind: 'none' },
      },
    })
    assert.deepEqual(health, {
      web: { kind: 'http', path: '/healthz', startTimeoutMs: 30_000 },
      api: { kind: 'http', path: '/up', startTimeoutMs: 63_000 },
      worker: { kind: 'none', path: '/', startTimeoutMs: 60_000 },
      smtp: { kind: 'tcp', path: '/', startTimeoutMs: 60_000 },
      quiet: { kind: 'none', path: '/', startTimeoutMs: 60_000 },
    })
    assert.match(ignored.join(), /"healthchecks.api\[0\]"/)
  })

  it('what it holds fits what the agent takes', () => {
    const app = read({
      scripts: { postdeploy: 'true' },
      formation: { web: { quantity: 1, size: 'performance-l' } },
      env: { A: 'x', B: { generator: 'secret' } },
      cron: [{ command: 'true', schedule: '@hourly' }],
      healthchecks: { web: { path: '/' } },
    })
    const release = { processes: { web: 'true' }, env: {}, ...releasePartOf(app) }
    assert.deepEqual(parse(buildRelease, JSON.parse(JSON.stringify(release))), release)
    assert.deepEqual(releasePartOf(emptyAppJson), {})
  })

  it('leaves out what Berth does not know with a word, and what only describes the app without one', () => {
    const { ignored } = read({
      name: 'Shop',
      description: 'x',
      keywords: ['y'],
      addons: ['heroku-postgresql'],
      stack: 'heroku-24',
      colour: 'red',
      formation: { web: { quantity: 1, autoscaling: {} } },
      scripts: { predeploy: 'x' },
      env: { PORT: '80', A: { value: 'x', owner: 'me' } },
    })
    assert.deepEqual(ignored, [
      '"addons": Berth has no add-ons; give the addresses of services as config vars',
      '"stack": an app runs on the stack of its host',
      '"colour": Berth does not know it',
      '"formation.web.autoscaling": Berth does not know it',
      '"scripts.predeploy": only postdeploy is run',
      '"env.PORT": it is set by the platform',
      '"env.A.owner": Berth does not know it',
    ])
  })

  it('refuses what is no JSON with line and column', () => {
    assert.throws(
      () => parseAppJson('{\n  "env": {\n    "A": "x",\n  }\n}'),
      /^BuildFailure: app\.json is not valid JSON in line 4, column 3: a comma too many before "\}"\. Correct it and push again\.$/,
    )
    assert.throws(() => parseAppJson(''), /line 1, column 1: the text ends where a value should follow/)
    assert.throws(() => parseAppJson('[]'), /app\.json, line 1: must be an object in \{ \}, got a list/)
  })

  const wrongs: [what: string, json: object, says: RegExp][] = [
    [
      'a quantity that is text',
      { formation: { web: { quantity: '2' } } },
      /line 4: "formation\.web\.quantity" must be a whole number from 0 to 1000, got "2"/,
    ],
    ['a negative quantity', { formation: { web: { quantity: -1 } } }, /from 0 to 1000, got -1/],
    [
      'a size that there is not',
      { formation: { web: { size: 'huge' } } },
      /line 4: "formation\.web\.size" must be one of Heroku’s sizes/,
    ],
    [
      'a process type that cannot be',
      { formation: { 'Web Server': {} } },
      /"formation\.Web Server" must be named by a process type such as web, got "Web Server"/,
    ],
    ['a value that is a number', { env: { A: 5 } }, /line 3: "env\.A" must be an object in \{ \}, got 5/],
    [
      'a value in an object that is a number',
      { env: { A: { value: 5 } } },
      /line 4: "env\.A\.value" must be text in double quotes; a number too, got 5/,
    ],
    ['a name that cannot be', { env: { 'A-B': 'x' } }, /"env\.A-B" must be named by letters, digits and _/],
    ['another generator', { env: { A: { generator: 'uuid' } } }, /"env\.A\.generator" must be "secret", got "uuid"/],
    ['a required that is no truth', { env: { A: { required: 'yes' } } }, /must be true or false, got "yes"/],
    [
      'a command of two lines',
      { scripts: { postdeploy: 'a\nb' } },
      /line 3: "scripts\.postdeploy" must be a command: one line/,
    ],
    [
      'a job without a command',
      { cron: [{ schedule: '@daily' }] },
      /line 3: "cron\[0\]" must be an object with a "command"/,
    ],
    [
      'a schedule of four fields',
      { cron: [{ command: 'x', schedule: '* * * *' }] },
      /line 5: "cron\[0\]\.schedule" must be five fields/,
    ],
    ['a schedule that is a command', { cron: [{ command: 'x', schedule: '* * * * $(id)' }] }, /must be five fields/],
    [
      'two jobs of one name',
      {
        cron: [
          { name: 'a', command: 'x', schedule: '@daily' },
          { name: 'a', command: 'y', schedule: '@daily' },
        ],
      },
      /"cron\[1\]\.name" must be a name that no other job has, got "a"/,
    ],
    [
      'a policy that there is not',
      { cron: [{ command: 'x', schedule: '@daily', overlap: 'queue' }] },
      /must be one of allow, forbid, skip, replace, got "queue"/,
    ],
    [
      'a health path without a slash',
      { healthchecks: { web: { path: 'up' } } },
      /"healthchecks\.web\.path" must be a path such as "\/healthz", got "up"/,
    ],
    ['buildpacks that are texts', { buildpacks: ['node'] }, /"buildpacks\[0\]" must be an object in \{ \}, got "node"/],
    [
      'a buildpack by ssh',
      { buildpacks: [{ url: 'ssh://git@example.com/x.git' }] },
      /must be a buildpack: .*is not an https URL/,
    ],
  ]
  for (const [what, json, says] of wrongs)
    it(`refuses ${what}, naming line, value and what it must be`, () => {
      assert.throws(
        () => read(json),
        (error: unknown) =>
          (error instanceof BuildFailure && error.exitCode === exitCodes.invalidFile && says.test(error.message)) ||
          assert.fail(String(error)),
      )
    })

  it('never repeats credentials that a URL holds', () => {
    assert.throws(
      () => read({ buildpacks: [{ url: 'https://me:hunter2@example.com/x.git' }] }),
      (error: unknown) =>
        error instanceof BuildFailure &&
        /BUILDPACK_CREDENTIALS/.test(error.message) &&
        !error.message.includes('hunter2'),
    )
  })

  describe('against what the app has', () => {
    const app = read({ env: { NEEDED: {}, OTHER: { required: true }, A: 'x', S: { generator: 'secret' } } })
    const known = { config: ['OTHER'], isFirst: true, hasBuildpacks: false }
    const told = (over: Partial<typeof known>) => {
      const lines: string[] = []
      tellAppJson(
        app,
        { ...known, ...over },
        createOutput((text) => lines.push(text)),
      )
      return lines.join('')
    }

    it('a first deploy that lacks required config vars is refused, with all of their names', () => {
      assert.throws(
        () => told({ config: [] }),
        (error: unknown) =>
          error instanceof BuildFailure &&
          error.exitCode === exitCodes.missingConfig &&
          /not set: NEEDED, OTHER\. .*berth config:set NEEDED=… OTHER=…/.test(error.message),
      )
      assert.throws(() => told({}), /not set: NEEDED\./)
      assert.equal(told({ config: ['NEEDED', 'OTHER'] }), '')
    })

    it('a later one is warned', () => {
      assert.match(told({ isFirst: false }), /^ ! {5}app\.json asks for config vars that are not set: NEEDED\./)
    })

    it('the first build sees the values that the first release will set, and not those that are set otherwise', () => {
      assert.deepEqual(defaultsOf(app, known), { A: 'x' })
      assert.deepEqual(defaultsOf(app, { ...known, config: ['A'] }), {})
      assert.deepEqual(defaultsOf(app, { ...known, isFirst: false }), {})
    })
  })
})
