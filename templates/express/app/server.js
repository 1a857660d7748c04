// A web app listens on $PORT, and ends soon after SIGTERM.
const express = require('express')

const app = express()
const greeting = process.env.GREETING ?? 'Hello'

app.get('/', (request, response) => response.type('text').send(`${greeting} from Express\n`))
app.get('/healthz', (request, response) => response.sendStatus(204))

const server = app.listen(process.env.PORT ?? 3000, (error) => {
  if (error) throw error
  console.log(`listening on port ${server.address().port}`)
})
process.on('SIGTERM', () => server.close(() => process.exit(0)))
