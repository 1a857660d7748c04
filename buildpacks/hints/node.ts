/** ◆ Causes that npm, pnpm, Yarn, Bun, Deno and what they run are known to fail for. */
import type { Hint } from './hint.ts'

const AGAIN = 'commit it and push again'

export const node: Hint[] = [
  // ── lockfiles ──
  {
    when: /can only install packages when your package\.json and (package-lock\.json|npm-shrinkwrap\.json)[^\n]* are in sync/,
    say: ([, lockfile]) => `${lockfile} does not match package.json: run \`npm install\`, ${AGAIN}.`,
  },
  {
    when: /The `npm ci` command can only install with an existing package-lock\.json/,
    say: `There is no package-lock.json that npm can read: run \`npm install\`, ${AGAIN}.`,
  },
  {
    when: /ERR_PNPM_OUTDATED_LOCKFILE/,
    say: `pnpm-lock.yaml does not match package.json: run \`pnpm install\`, ${AGAIN}.`,
  },
  {
    when: /ERR_PNPM_LOCKFILE_BREAKING_CHANGE|ERR_PNPM_BROKEN_LOCKFILE|lockfile .*not compatible with (?:the )?current pnpm/i,
    say: 'pnpm-lock.yaml was written by another major version of pnpm: name yours in package.json, e.g. "packageManager": "pnpm@10.34.9".',
  },
  {
    when: /Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`|YN0028/,
    say: `yarn.lock does not match package.json: run \`yarn install\` with the same version of Yarn, ${AGAIN}.`,
  },
  {
    when: /lockfile had changes, but lockfile is frozen/,
    say: `bun.lock does not match package.json: run \`bun install\`, ${AGAIN}.`,
  },
  {
    when: /The lockfile is out of date\. Run `deno/,
    say: `deno.lock does not match what the app imports: run \`deno install\`, ${AGAIN}.`,
  },
  {
    when: /integrity checksum failed|EINTEGRITY|ERR_PNPM_TARBALL_INTEGRITY|YN0018|Integrity check failed/i,
    say: 'A package is not the one that was locked: its checksum differs. Install anew and commit the lockfile, and find out why if you did not expect it.',
  },
  // ── versions ──
  {
    when: /ERESOLVE[^]*?Found: (\S+)[^]*?peer (\S+) from (\S+)/,
    say: ([, found, wanted, by]) =>
      `${by} wants ${wanted} beside it, and the app has ${found}. Choose versions that fit, or put legacy-peer-deps=true into .npmrc as it may be on your machine.`,
  },
  {
    when: /ERESOLVE/,
    say: 'Two packages want different versions of a third. Choose versions that fit, or put legacy-peer-deps=true into .npmrc as it may be on your machine.',
  },
  {
    when: /(?:EBADENGINE|ERR_PNPM_UNSUPPORTED_ENGINE|The engine "node" is incompatible|Unsupported engine)[^]*?(?:Expected version|required|wanted)[:"{ ]*(?:node[:"' ]*)?["']?([\d<>=^~|.x* -]{1,60})/i,
    say: ([, wanted]) =>
      `A package wants Node ${wanted?.trim()}: ask for such a version in package.json, e.g. "engines": { "node": "${/\d+/.exec(wanted ?? '')?.[0] ?? '24'}.x" }.`,
  },
  {
    when: /No matching version found for (\S+?)\.?(?:\s|$)|Couldn't find any versions for "([^"]+)"/,
    say: ([, npm, yarn]) =>
      `No such version of ${npm ?? yarn ?? 'a package'} is published. Correct package.json, install, and commit the lockfile.`,
  },
  // ── registries ──
  {
    when: /(?:E401|ERR_PNPM_FETCH_401|YN0041|401 Unauthorized|Unable to authenticate)/,
    say: 'A registry wants to know who asks: put //REGISTRY/:_authToken=${NPM_TOKEN} into .npmrc, and set it: berth config:set NPM_TOKEN=….',
  },
  {
    when: /(?:E404|ERR_PNPM_FETCH_404|404 Not Found)[^\n]*?(@[\w.-]+(?:\/|%2[fF])[\w.-]+)/,
    say: ([, name]) =>
      `The registry has no ${decodeURIComponent(name ?? '')}. If it is a private package, name its registry in .npmrc (@SCOPE:registry=https://…) with a token from a config var.`,
  },
  {
    when: /(?:E404|ERR_PNPM_FETCH_404|error: GET \S+ - 404|Couldn't find package "([^"]+)")/,
    say: 'The registry has no such package. Look at its name in package.json; a private one needs its registry in .npmrc.',
  },
  // ── scripts ──
  {
    when: /(?:sh: \d+: |command not found: ?|sh: )husky\b|husky(?: - |:)[^\n]*(?:\.git|not found)|\.git can't be found/,
    say: 'husky runs at install and needs a git checkout, which a build has not: make it "prepare": "husky || true" in package.json.',
  },
  {
    when: /gyp ERR! (?:find Python|stack Error: not found: make|stack Error: `make`)|node-gyp[^]*?(?:not found: (?:make|g\+\+|gcc)|Could not find any Python)/,
    say: 'A package is compiled when it is installed, and compilers are there only for apps that ask: commit an empty file named .berth-toolchain, or take a version of the package that comes compiled.',
  },
  {
    when: /(?:was compiled against a different Node\.js version|NODE_MODULE_VERSION \d+)/,
    say: 'A compiled package is for another version of Node: remove node_modules from the repository (git rm -r --cached node_modules), and purge the cache if it stays (berth builds:cache:purge).',
  },
  {
    when: /Error: Cannot find module '([^'./][^']*)'|ERR_MODULE_NOT_FOUND\]?:? Cannot find package '([^']+)'/,
    say: ([, required, imported]) =>
      `${required ?? imported} is not installed. Add it to the dependencies in package.json: what is only in devDependencies is there while building, not after.`,
  },
  {
    when: /ERR_OSSL_EVP_UNSUPPORTED/,
    say: 'The build uses a hash that OpenSSL 3 no longer has (webpack 4 does): upgrade it, or set NODE_OPTIONS=--openssl-legacy-provider (berth config:set).',
  },
  {
    when: /(?:JavaScript heap out of memory|Reached heap limit)/,
    say: 'V8 ran out of heap: set NODE_OPTIONS=--max-old-space-size=1536 (berth config:set) if the build may use that much memory, or build less at once.',
  },
  {
    when: /Missing script: "?([\w:.-]+)|ERR_PNPM_NO_SCRIPT\S*\s+Missing script: (\S+)|Command "([\w:.-]+)" not found/,
    say: ([, npm, pnpm, yarn]) => `package.json has no script ${JSON.stringify(npm ?? pnpm ?? yarn)}.`,
  },
  {
    when: /ENOSPC/,
    say: 'The build ran out of disk: its limit holds for the source, packages and what is built together. .slugignore leaves folders out; smaller dependencies help most.',
  },
]
