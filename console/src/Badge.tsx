export type Tone = 'good' | 'busy' | 'bad' | 'quiet'

/** A state in a word; the colour only repeats it. */
export function Badge({ tone, children }: { tone: Tone; children: string }) {
  return <span className={`badge ${tone}`}>{children}</span>
}
