// A web app listens on $PORT, and ends soon after SIGTERM.
const { createServer } = require('node:http')

const greeting = process.env.GREETING ?? 'Hello'

const server = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.end(`${greeting} from Node.js ${process.version}\n`)
})

server.listen(process.env.PORT ?? 3000, () => console.log(`listening on port ${server.address().port}`))
process.on('SIGTERM', () => server.close(() => process.exit(0)))
