import assert from 'node:assert/strict'
import { node } from '#buildpacks/hints/node.ts'
import type { Hint } from '#buildpacks/hints/hint.ts'

function said(hints: Hint[], output: string): string | null {
  for (const { when, say } of hints) {
    const found = when.exec(output)
    if (found) return typeof say === 'string' ? say : say(found)
  }
  return null
}

/** As the programs print them. */
const outputs: [string, RegExp][] = [
  [
    'npm error code EUSAGE\nnpm error\nnpm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync. Please update your lock file with `npm install` before continuing.\nnpm error\nnpm error Missing: left-pad@1.3.0 from lock file',
    /^package-lock\.json does not match package\.json: run `npm install`/,
  ],
  [
    ' ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile" because pnpm-lock.yaml is not up to date with <ROOT>/package.json',
    /^pnpm-lock\.yaml does not match/,
  ],
  ['error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.', /^yarn\.lock does not match/],
  [
    '➤ YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden.',
    /^yarn\.lock does not match/,
  ],
  ['error: lockfile had changes, but lockfile is frozen', /^bun\.lock does not match/],
  [
    'npm error code ERESOLVE\nnpm error ERESOLVE unable to resolve dependency tree\nnpm error\nnpm error While resolving: x@1.0.0\nnpm error Found: react@19.0.0\nnpm error node_modules/react\nnpm error   react@"19.0.0" from the root project\nnpm error\nnpm error Could not resolve dependency:\nnpm error peer react@"^17.0.0" from react-old@1.2.3',
    /^react-old@1\.2\.3 wants react@"\^17\.0\.0" beside it, and the app has react@19\.0\.0\..*legacy-peer-deps/,
  ],
  [
    'npm error code EBADENGINE\nnpm error engine Unsupported engine\nnpm error engine Not compatible with your version of node/npm: x@1.0.0\nnpm error notsup Required: {"node":">=26"}\nnpm error notsup Actual:   {"npm":"10.9.9","node":"v24.21.0"}',
    /^A package wants Node >=26: .*"node": "26\.x"/,
  ],
  [
    'error x@1.0.0: The engine "node" is incompatible with this module. Expected version ">=26". Got "24.21.0"',
    /^A package wants Node >=26/,
  ],
  [
    'npm error code ETARGET\nnpm error notarget No matching version found for ms@^99.0.0.',
    /^No such version of ms@\^99\.0\.0 is published/,
  ],
  ['npm error code E401\nnpm error Incorrect or missing password.', /_authToken/],
  [
    'npm error code E404\nnpm error 404 Not Found - GET https://registry.npmjs.org/@acme%2fprivate - Not found',
    /^The registry has no @acme\/private\. If it is a private package/,
  ],
  ['sh: 1: husky: not found\nnpm error code 127', /^husky runs at install/],
  [
    'gyp ERR! find Python You need to install the latest version of Python.',
    /compilers are there only for apps that ask/,
  ],
  [
    "Error: Cannot find module 'typescript'\nRequire stack:",
    /^typescript is not installed\. Add it to the dependencies/,
  ],
  ['FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory', /max-old-space-size/],
  ["Error: error:0308010C:digital envelope routines::unsupported\n  code: 'ERR_OSSL_EVP_UNSUPPORTED'", /webpack 4/],
  ['npm error Missing script: "build"', /^package\.json has no script "build"/],
  ['npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device, write', /ran out of disk/],
]

describe('What package managers print when they fail', () => {
  for (const [output, sentence] of outputs)
    it(`is explained: ${output.split('\n')[0]?.slice(0, 70)}`, () =>
      assert.match(said(node, output) ?? 'nothing', sentence))

  it('is left alone when nothing is known of it', () => assert.equal(said(node, 'npm error it is Tuesday'), null))
})
