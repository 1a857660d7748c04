import { anApp, httpApp, startWorld, talk, until, get } from '/work/main/test/integration/router/support.ts'
import { Client } from '/work/main/node_modules/undici/index.js'
import assert from 'node:assert/strict'
describe('soak', () => { it('x', async () => {
  const world = await startWorld()
  const mk = () => httpApp((q, r) => { const id=q.headers['x-n'] as string; const n = Number(id)%7; let b=''; q.on('data',(c:Buffer)=>b+=c); q.on('end',()=>setTimeout(()=>{ if(n===6) {r.write('half');return void r.destroy()} if(n===5) r.setHeader('Connection','close'); r.end(`n=${id};${b}`) }, n===3?5:0)) })
  const apps = await Promise.all([mk(),mk(),mk()])
  await world.route([anApp('app', apps.map(a=>a.endpoint))], {'t-one':{perSecond:1e6,burst:1e6}})
  let ok=0, cut=0, left=0, bad: string[]=[]
  let k=0; const stat: Record<string,number[]>={}
  const t0=Date.now()
  await Promise.all(Array.from({length:40}, async()=>{
    const c = new Client(`http://127.0.0.1:${world.port}`)
    for (let i=0;i<100;i++){ const n=k++; const post=n%2===0
      const t1=Date.now(); const ac = new AbortController(); if (n%11===0) setTimeout(()=>ac.abort(), n%5)
      try { const res = await c.request({path:'/'+n, method: post?'POST':'GET', body: post? 'b'.repeat(n%3000):undefined, headers:{host:'app.test','x-n':String(n)}, signal: ac.signal})
        const t = await res.body.text(); {const m=`${post?'P':'G'}${n%7}${n%11===0?'a':''}`; const z=stat[m]??=[0,0,0]; z[0]++; z[1]+=Date.now()-t1; z[2]=Math.max(z[2],Date.now()-t1)}; if (res.statusCode!==200 || t!==`n=${n};${post?'b'.repeat(n%3000):''}`) bad.push(`${n} ${res.statusCode} ${t.slice(0,80)}`); else ok++ }
      catch(e){ ; if(n%11===0) left++; else if(n%7===6) cut++; else bad.push(`${n} ${String(e)}`) } }
    await c.destroy()
  }))
  console.log(stat);console.log({ok,cut,left,bad:bad.slice(0,10), nbad:bad.length, ms: Date.now()-t0})
  await world.route([])
  await until(async()=>Object.keys((await world.report())!.draining).length===0)
  await until(()=>apps.every(a=>a.connections.size===0))
  console.log('requests logged', world.requests.length, process.memoryUsage().heapUsed/1e6)
  await world.stop(); for (const a of apps) await a.stop()
}).timeout(60000) })
