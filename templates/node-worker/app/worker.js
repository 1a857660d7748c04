// A worker takes no requests. Give it work by a queue or a database of your own, and more instances by: berth scale worker=2
const everyMs = 10_000

const timer = setInterval(() => console.log('nothing to do'), everyMs)
console.log('working')
process.on('SIGTERM', () => {
  clearInterval(timer)
  console.log('ended')
})
