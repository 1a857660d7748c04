/** Reads server-sent events (WHATWG HTML §9.2.6) out of pieces of text, of any cut. Comments and ids mean nothing here. */
export type SseEvent = { event: string; data: string }

export function createSseReader(onEvent: (event: SseEvent) => void): (text: string) => void {
  let rest = ''
  let event = ''
  let data: string[] = []

  const readLine = (line: string): void => {
    if (line === '') {
      if (data.length > 0) onEvent({ event: event || 'message', data: data.join('\n') })
      event = ''
      data = []
      return
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') event = value
    if (field === 'data') data.push(value)
  }

  return (text) => {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) readLine(line)
  }
}
