/** Reads server-sent events (WHATWG HTML §9.2.6) out of pieces of text, of any cut. Comments and ids mean nothing here. */
export type SseEvent = { event: string; data: string }

export function createSseReader(onEvent: (event: SseEvent) => void): (text: string) => void {
  // The beginning of a line, in the pieces in which it came: one line may be megabytes, and is looked through once.
  let begun: string[] = []
  let endedByReturn = false
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

  return (piece) => {
    // The return that ended the piece before may be half of an end of a line.
    const text = endedByReturn && piece.startsWith('\n') ? piece.slice(1) : piece
    if (piece !== '') endedByReturn = piece.endsWith('\r')
    const lines = text.split(/\r\n|\n|\r/)
    const last = lines.pop() ?? ''
    for (const line of lines) {
      readLine(begun.join('') + line)
      begun = []
    }
    begun.push(last)
  }
}
