/** Options that commands of several topics share. */
type Option = [flags: string, summary: string]

export const noWait: Option = ['--no-wait', 'return at once']

export const ofPlatform: Option = ['--platform', "the platform's own (operators)"]

export const trafficOptions: Option[] = [
  ['--concurrent <n>', 'requests in flight, or none for no limit'],
  ['--client-connections <n>', 'connections of clients, WebSockets apart, or none'],
  ['--websockets <n>', 'WebSockets open at a time, or none'],
  ['--bandwidth-in <bits>', 'request bodies per second, like 10M (bits), or none'],
  ['--bandwidth-out <bits>', 'response bodies per second, like 10M (bits), or none'],
]
