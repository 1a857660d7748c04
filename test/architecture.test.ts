/** The rules of ARCHITECTURE.md that a reader relies on: who may import whom, no circles, and which files are pure. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** What each area of the source may import besides itself. */
const mayImport: Record<string, string[]> = {
  'core/domain': [],
  'core/contract': ['core/domain'],
  'core/runtime': ['core/domain'],
  'core/store': ['core/domain', 'core/contract', 'core/runtime'],
  buildpacks: ['core/domain'],
  agent: ['core/domain', 'core/contract', 'core/runtime', 'core/store', 'buildpacks'],
  controller: ['core/domain', 'core/contract', 'core/runtime', 'core/store'],
  router: ['core/domain', 'core/contract', 'core/runtime', 'core/store'],
  cli: ['core/domain', 'core/contract'],
  console: ['core/contract'],
}

/** Files marked ◆: they decide, and touch nothing. */
const pureFolders = ['core/domain', 'controller/placement']
const pureFiles = [
  'controller/reconcile/plan.ts',
  'controller/reconcile/fallback.ts',
  'controller/reconcile/drain.ts',
  'controller/reconcile/restack.ts',
  'controller/reconcile/adjust.ts',
  'controller/reconcile/retire.ts',
  'controller/reconcile/rollout.ts',
  'controller/reconcile/routes.ts',
  'controller/reconcile/runs.ts',
  'controller/reconcile/world.ts',
  'buildpacks/json.ts',
  'buildpacks/json-object.ts',
  'buildpacks/node/native.ts',
  'buildpacks/contract.ts',
  'buildpacks/given.ts',
  'buildpacks/app-json/parse.ts',
  'buildpacks/app-json/fields.ts',
  'buildpacks/app-json/cron.ts',
  'buildpacks/app-json/health.ts',
  'buildpacks/external/output.ts',
  'agent/order.ts',
  'agent/instance/sound.ts',
  'agent/instance/restart.ts',
  'core/store/keys.ts',
  'core/store/acl.ts',
  'agent/instance/refusals.ts',
  'agent/instance/shares.ts',
  'agent/sandbox/cgroup-files.ts',
  'agent/health/health.ts',
  'agent/output.ts',
  'agent/layer-cache.ts',
  'agent/machine-store/outdated.ts',
  'controller/slugs/keep.ts',
  'agent/sandbox/cpus.ts',
  'agent/sandbox/link.ts',
  'agent/sandbox/ruleset.ts',
  'agent/metering/life.ts',
  'agent/metering/samples.ts',
  'controller/certificates/wanted.ts',
  'controller/cron/decide.ts',
  'controller/cron/texts.ts',
  'controller/metering/period.ts',
  'controller/outbound/address.ts',
  'controller/alerts/decide.ts',
  'controller/alerts/facts.ts',
  'controller/alerts/readings.ts',
  'controller/alerts/app-readings.ts',
  'controller/alerts/platform-readings.ts',
  'controller/alerts/mail-due.ts',
  'controller/alerts/mail-text.ts',
  'controller/webhooks/message.ts',
  'controller/outbound/url.ts',
  'controller/live/changes.ts',
  'controller/drains/target.ts',
  'controller/series/window.ts',
  'controller/series/sample.ts',
  'controller/git/policy.ts',
  'controller/git/subject.ts',
  'controller/git/tree.ts',
  'controller/git/tar-head.ts',
  'controller/git/sandbox.ts',
  'controller/ssh/guard.ts',
  'cli/grammar.ts',
  'cli/nearest.ts',
  'cli/project.ts',
  'cli/local/dotenv.ts',
  'cli/completion/words.ts',
  'cli/completion/bash.ts',
  'cli/completion/zsh.ts',
  'cli/completion/fish.ts',
  'agent/doctor/checks.ts',
  'agent/doctor/sysctls.ts',
  'agent/doctor/versions.ts',
  'agent/doctor/parse.ts',
  'agent/sandbox/spec.ts',
  'agent/sandbox/seccomp.ts',
  'router/table.ts',
  'router/certificate-table.ts',
  'router/least-recent.ts',
  'router/split-map.ts',
  'router/balance.ts',
  'router/wire/characters.ts',
  'router/wire/chunked.ts',
  'router/wire/field-lines.ts',
  'router/wire/fields.ts',
  'router/wire/framing.ts',
  'router/wire/host.ts',
  'router/wire/http2-fields.ts',
  'router/client/http2-head.ts',
  'router/client/patience.ts',
  'router/client/tally.ts',
  'router/wire/names.ts',
  'router/wire/request-head.ts',
  'router/wire/response-head.ts',
  'router/wire/via.ts',
  'router/gate.ts',
  'router/limits.ts',
  'router/proxy-protocol.ts',
  'router/trust.ts',
  'router/counters.ts',
  'router/figures.ts',
  'router/sampler.ts',
  'router/quota/account.ts',
  'router/quota/answer.ts',
  'router/quota/clients.ts',
  'router/quota/count.ts',
  'router/quota/flow.ts',
  'router/quota/heavy.ts',
  'router/quota/quotas.ts',
  'router/policy.ts',
  'router/sticky.ts',
  'router/body-reader.ts',
  'router/held.ts',
  'router/client/frames.ts',
  'buildpacks/hints.ts',
  'buildpacks/hints/general.ts',
  'buildpacks/hints/go.ts',
  'buildpacks/hints/java.ts',
  'buildpacks/hints/node.ts',
  'buildpacks/hints/php.ts',
  'buildpacks/hints/python.ts',
  'buildpacks/hints/ruby.ts',
  'buildpacks/hints/network.ts',
  'agent/builds/turns.ts',
  'agent/builds/output-cap.ts',
  'agent/builds/laps.ts',
  'agent/orphans.ts',
  'console/src/api/session-rules.ts',
  'console/src/app/search.ts',
  'console/src/live/collection.ts',
  'console/src/live/sse.ts',
  'console/src/live/store.ts',
  'console/src/text/ansi.ts',
  'console/src/text/attention.ts',
  'console/src/text/format.ts',
  'console/src/text/release-diff.ts',
  'console/src/text/webhooks.ts',
  'console/src/text/words.ts',
]

type Import = { target: string; typeOnly: boolean; line: number }
type Source = { path: string; tree: ts.SourceFile; imports: Import[] }

const sources = new Map(
  Object.keys(mayImport)
    .flatMap(sourcesBelow)
    .map((path) => [path, read(path)]),
)

describe('Architecture', () => {
  it('imports go one way: processes meet only in core, and core never looks up', () => {
    assert.deepEqual(
      each(({ path, imports }) =>
        imports
          .filter(({ target }) => !isAllowed(path, target))
          .map(({ target, line }) => `${path}:${line} imports ${target}`),
      ),
      [],
    )
  })

  it('the console takes only types from core', () => {
    assert.deepEqual(
      each(({ path, imports }) =>
        imports
          .filter(({ target, typeOnly }) => path.startsWith('console/') && target.startsWith('core/') && !typeOnly)
          .map(({ target, line }) => `${path}:${line} imports values of ${target}`),
      ),
      [],
    )
  })

  it('only core/store speaks to Redis, besides BullMQ', () => {
    assert.deepEqual(
      each(({ path, imports }) =>
        imports
          .filter(({ target }) => target === 'npm:ioredis' && !path.startsWith('core/store/'))
          .map(({ line }) => `${path}:${line}`),
      ),
      [],
    )
  })

  it('has no circles of imports', () => {
    assert.deepEqual(findCircles(), [])
  })

  it('◆ files exist and are pure: no node:*, no package, no clock, no chance, no I/O', () => {
    for (const path of pureFiles) assert.ok(sources.has(path), `${path} is listed as pure, but does not exist`)
    for (const folder of pureFolders)
      assert.ok(each(({ path }) => (path.startsWith(`${folder}/`) ? [path] : [])).length)
    assert.deepEqual(
      each((source) => (isPure(source.path) ? impurities(source) : [])),
      [],
    )
  })
})

function each(look: (source: Source) => string[]): string[] {
  return [...sources.values()].flatMap(look)
}

function isAllowed(from: string, target: string): boolean {
  const area = areaOf(from)
  const other = areaOf(target)
  // Packages, node:* and files that belong to no area, such as package.json.
  if (other === null) return !/^(test|bench|scripts)\//.test(target)
  return other === area || (area !== null && (mayImport[area] ?? []).includes(other))
}

function areaOf(path: string): string | null {
  return Object.keys(mayImport).find((area) => path.startsWith(`${area}/`)) ?? null
}

function isPure(path: string): boolean {
  return pureFiles.includes(path) || pureFolders.some((folder) => path.startsWith(`${folder}/`))
}

function impurities({ path, tree, imports }: Source): string[] {
  const found = imports
    .filter(({ target, typeOnly }) => !typeOnly && !isPure(target))
    .map(({ target, line }) => `${path}:${line} imports ${target}`)
  visit(tree, (node) => {
    const what = impurityOf(node)
    if (what) found.push(`${path}:${lineOf(tree, node)} uses ${what}`)
  })
  return found
}

const impureGlobals = new Set([
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'performance',
  'console',
  'crypto',
  'globalThis',
])

function impurityOf(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node)) {
    const text = `${node.expression.getText()}.${node.name.text}`
    return text === 'Date.now' || text === 'Math.random' ? text : null
  }
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) return 'new Date()'
  if (ts.isIdentifier(node) && impureGlobals.has(node.text) && isFreeUse(node)) return node.text
  return null
}

/** Is the identifier used as a value of the outer world, and not the name of a property, a key, a type or a local? */
function isFreeUse(node: ts.Identifier): boolean {
  const { parent } = node
  const isCalled = ts.isCallExpression(parent) && parent.expression === node
  const isLookedInto = ts.isPropertyAccessExpression(parent) && parent.expression === node
  return (isCalled || isLookedInto) && !isDeclaredHere(node)
}

/** A parameter or constant of the same name, e.g. `process` in a formation, is none of the outer world's. */
function isDeclaredHere(node: ts.Identifier): boolean {
  let declared = false
  visit(node.getSourceFile(), (other) => {
    if (ts.isParameter(other) || ts.isVariableDeclaration(other) || ts.isBindingElement(other))
      declared ||= ts.isIdentifier(other.name) && other.name.text === node.text
  })
  return declared
}

/** Circles of imports that exist at run time; types are erased, so two files may name each other's. */
function findCircles(): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const walk = (path: string, trail: string[]): void => {
    if (trail.includes(path)) {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      return
    }
    if (done.has(path)) return
    for (const { target, typeOnly } of sources.get(path)?.imports ?? [])
      if (!typeOnly && sources.has(target)) walk(target, [...trail, path])
    done.add(path)
  }
  for (const path of sources.keys()) walk(path, [])
  return circles
}

function sourcesBelow(folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : sourcesBelow(path)
    return /\.tsx?$/.test(entry.name) ? [path] : []
  })
}

function read(path: string): Source {
  const tree = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.ESNext, true)
  const imports: Import[] = []
  visit(tree, (node) => {
    const found = importOf(node)
    if (found) imports.push({ ...found, target: resolve(path, found.target), line: lineOf(tree, node) })
  })
  return { path, tree, imports }
}

function importOf(node: ts.Node): Omit<Import, 'line'> | null {
  if (ts.isImportDeclaration(node))
    return { target: textOf(node.moduleSpecifier), typeOnly: isTypeOnly(node.importClause) }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier)
    return { target: textOf(node.moduleSpecifier), typeOnly: node.isTypeOnly }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && node.arguments[0])
    return { target: textOf(node.arguments[0]), typeOnly: false }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
    return { target: textOf(node.argument.literal), typeOnly: true }
  return null
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const named = clause.namedBindings
  return (
    clause.name === undefined &&
    named !== undefined &&
    ts.isNamedImports(named) &&
    named.elements.length > 0 &&
    named.elements.every((element) => element.isTypeOnly)
  )
}

/** `#core/x.ts` and `./x.ts` become paths from the root; packages become `npm:name`. */
function resolve(from: string, specifier: string): string {
  const [, area, rest] = /^#(core|buildpacks|test)\/(.+)$/.exec(specifier) ?? []
  if (area && rest) return `${area}/${rest}`
  if (specifier.startsWith('.')) return relative(root, join(root, dirname(from), specifier))
  return specifier.startsWith('node:') ? specifier : `npm:${specifier}`
}

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node)
  ts.forEachChild(node, (child) => visit(child, look))
}

// Declarations, not constants: the files are read while this module loads.
function textOf(node: ts.Node): string {
  return ts.isStringLiteralLike(node) ? node.text : node.getText()
}

function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}
