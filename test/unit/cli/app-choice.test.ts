import assert from 'node:assert/strict'
import { appOfRemote, chooseApp } from '../../../cli/app-choice.ts'

const API = 'https://berth.example.com'
const usage = (pattern: RegExp) => ({ exitCode: 2, message: pattern })

describe('The choice of the app', () => {
  it('takes the app that is named before all remotes', () => {
    assert.equal(chooseApp({ app: 'hello', remote: 'x' }, { berth: `${API}/git/other.git` }, API), 'hello')
  })

  it('takes the app of the remote that is named', () => {
    const remotes = { berth: `${API}/git/one.git`, staging: `${API}/git/two.git` }
    assert.equal(chooseApp({ remote: 'staging' }, remotes, API), 'two')
  })

  it('takes the remote berth when nothing is named', () => {
    const remotes = { origin: 'git@github.com:a/b.git', berth: `${API}/git/one.git`, staging: `${API}/git/two.git` }
    assert.equal(chooseApp({}, remotes, API), 'one')
  })

  it('takes the only remote that points to this API', () => {
    const remotes = { origin: 'git@github.com:a/b.git', live: `${API}/git/one.git` }
    assert.equal(chooseApp({}, remotes, API), 'one')
  })

  it('does not guess an app from a remote of another Berth', () => {
    assert.throws(() => chooseApp({}, { live: 'https://elsewhere.example/git/one.git' }, API), usage(/Add -a APP/))
  })

  it('does not choose between two apps', () => {
    const remotes = { a: `${API}/git/one.git`, b: `${API}/git/two.git` }
    assert.throws(() => chooseApp({}, remotes, API), usage(/several apps: one, two/))
  })

  it('names the remote that is missing, or is no app', () => {
    assert.throws(() => chooseApp({ remote: 'live' }, {}, API), usage(/no git remote "live"/))
    assert.throws(() => chooseApp({ remote: 'o' }, { o: 'git@github.com:a/b.git' }, API), usage(/not an app of Berth/))
  })

  it('refuses names that could climb to another path', () => {
    for (const app of ['..', 'a/b', '', 'A', 'a?b'])
      assert.throws(() => chooseApp({ app }, {}, API), usage(/app's name/), app)
  })

  it('reads remotes with a user name, a path prefix and a slash at the end', () => {
    assert.deepEqual(appOfRemote('https://me@h.example:444/berth/git/hello.git/'), {
      apiUrl: 'https://h.example:444/berth',
      hostname: 'h.example',
      app: 'hello',
    })
    const bySsh = { apiUrl: null, hostname: 'h.example', app: 'hello' }
    assert.deepEqual(appOfRemote('ssh://git@h.example:2222/hello.git'), bySsh)
    assert.equal(chooseApp({}, { x: 'ssh://git@h.example:2222/hello.git' }, 'https://h.example:444'), 'hello')
    for (const url of ['git@h:git/a.git', 'https://h/a.git', 'https://h/git/A.git', 'file:///git/a.git', 'http://'])
      assert.equal(appOfRemote(url), null, url)
  })
})
