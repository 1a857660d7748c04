import { startWorld } from '/tmp/wt/oneoff/test/helpers/world.ts'
import { writeFileSync } from 'node:fs'
const world = await startWorld()
await world.cli(['create', 'shop'])
const { code, output } = await world.pushApp('shop', 'node-plain', { change: { Procfile: 'web: node server.js\n' } })
console.log(code, output)
writeFileSync('/tmp/pf/env.sh', `export BERTH_API_URL=${world.apiUrl} BERTH_TOKEN=${world.token} BERTH_HOME=${world.home} BERTH_AGENT_PORT=${world.env['BERTH_AGENT_PORT']} PATH=/tmp/wt/oneoff/bin:$PATH\n`)
console.log('up')
process.on('SIGTERM', async () => { await world.stop(); process.exit(0) })
setInterval(() => {}, 1e6)
