import { readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { buildApp } from '/tmp/wt/node5/test/helpers/built-app.ts'
for (const config of ['', "module.exports = { output: 'standalone' }", "module.exports = { output: 'export' }"]) {
  const files = Object.fromEntries(['package.json', 'package-lock.json', 'app/page.js', 'app/layout.js'].map((f) => [f, readFileSync('/tmp/n5/next/' + f, 'utf8')]))
  if (config) files['next.config.js'] = config
  if (config.includes('export')) files['app/page.js'] = files['app/page.js']!.replace("export const dynamic = 'force-dynamic'", '')
  files['public/robots.txt'] = 'User-agent: *'
  const began = performance.now()
  const built = await buildApp(null, files)
  console.log(built.output.split('\n').filter((l) => /----|done|!/.test(l)).join('\n'))
  console.log(config, Math.round(performance.now() - began), JSON.stringify(built.release), execFileSync('du', ['-sh', built.build.app]).toString())
  try { console.log(JSON.stringify(await built.ask('/', '/robots.txt')).slice(0, 600)) } catch (e) { console.log(e) } finally { await built.build.remove() }
}
process.exit(0)
