import assert from 'node:assert/strict'
import { hintFor, networkFailureIn } from '#buildpacks/hints.ts'

/** Outputs as the programs print them; npm's are of npm 11 against a registry that did what the name says. */
const outputs = {
  reset: `npm error code ECONNRESET
npm error syscall read
npm error errno ECONNRESET
npm error network request to http://127.0.0.1:47711/left-pad failed, reason: read ECONNRESET
npm error network This is a problem related to network connectivity.`,
  unavailable: `npm error code E503
npm error 503 Service Unavailable - GET http://127.0.0.1:47712/left-pad
npm error A complete log of this run can be found in: /tmp/home/.npm/_logs/2026-11-21T15_51_59_790Z-debug-0.log`,
  unknownName: `npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error network request to http://registry.nowhere.invalid/left-pad failed, reason: getaddrinfo ENOTFOUND registry.nowhere.invalid`,
  pip: `WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/flask/
ERROR: Could not find a version that satisfies the requirement flask (from versions: none)`,
  go: 'go: github.com/gin-gonic/gin@v1.9.1: Get "https://proxy.golang.org/github.com/gin-gonic/gin/@v/v1.9.1.mod": dial tcp: lookup proxy.golang.org: i/o timeout',
  maven:
    '[ERROR] Could not transfer artifact org.eclipse.jetty:jetty-server:pom:12.0.1 from/to central (https://repo.maven.apache.org/maven2): repo.maven.apache.org: Temporary failure in name resolution',
  bundler: 'Gem::Net::ReadTimeout: Net::ReadTimeout with #<TCPSocket:(closed)>',
  composer:
    'curl error 28 while downloading https://repo.packagist.org/packages.json: Connection timed out after 10000 milliseconds',
}

const ownFaults = {
  notFound: `npm error code E404
npm error 404 Not Found - GET https://registry.npmjs.org/no-such-package-here - Not found`,
  refused: `npm error code E401
npm error Incorrect or missing password.`,
  itsDatabase: `> app@1.0.0 postinstall
> node migrate.js
Error: connect ECONNREFUSED 127.0.0.1:5432
npm error code 1`,
  lockfile: `npm error code EUSAGE
npm error \`npm ci\` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.`,
  port500: 'Error: listen on port 500 failed',
}

const lines = (text: string) => text.split('\n')

describe('What the output of a failed step says', () => {
  for (const [name, text] of Object.entries(outputs))
    it(`tells a failure of the network from the app's own: ${name}`, () => {
      assert.notEqual(networkFailureIn(lines(text)), null)
    })

  for (const [name, text] of Object.entries(ownFaults))
    it(`does not blame the network for the app's own fault: ${name}`, () => {
      assert.equal(networkFailureIn(lines(text)), null)
    })

  it('names what the network did', () => {
    assert.equal(networkFailureIn(lines(outputs.reset)), 'ECONNRESET')
    assert.equal(networkFailureIn(lines(outputs.unavailable)), '503 from the registry')
  })

  it('looks through colours, and only at the end of a long output', () => {
    assert.equal(networkFailureIn(['\u001b[31mnpm error\u001b[39m code \u001b[1mECONN\u001b[22mRESET']), 'ECONNRESET')
    assert.equal(networkFailureIn(['npm error code ECONNRESET', ...Array<string>(200).fill('building')]), null)
  })

  it('gives a known cause its next step', () => {
    const heap = `<--- Last few GCs --->
FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory`
    assert.match(hintFor(lines(heap)) ?? '', /--max-old-space-size/)
    assert.match(hintFor(['sh: 1: tsc: not found']) ?? '', /^tsc is not there while building/)
    assert.match(
      hintFor(["fatal: could not read Username for 'https://github.com': terminal prompts disabled"]) ?? '',
      /private/,
    )
    assert.match(hintFor(["touch: cannot touch '/usr/lib/x': Read-only file system"]) ?? '', /may write only/)
  })

  it('says nothing of what it does not know', () => {
    assert.equal(hintFor(['src/index.ts(3,1): error TS2304: Cannot find name "x".']), null)
  })

  it('is done at once with an endless line', () => {
    const began = performance.now()
    hintFor([`${'a '.repeat(200_000)}`])
    networkFailureIn([`${'503 '.repeat(100_000)}`])
    assert.ok(performance.now() - began < 5_000)
  })
})
