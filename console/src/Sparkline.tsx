import { KEPT_SAMPLES } from './history.ts'

type Props = {
  label: string
  samples: (number | null)[]
  /** The value at the top edge when all samples are lower, so that a nearly idle instance looks idle. */
  atLeast: number
}

const WIDTH = 96
const HEIGHT = 20

/** The newest sample is at the right edge; where nothing was reported the line has a gap. */
export function Sparkline({ label, samples, atLeast }: Props) {
  const known = samples.filter((sample) => sample !== null)
  const top = Math.max(atLeast, ...known)
  const step = WIDTH / (KEPT_SAMPLES - 1)
  const path = samples
    .map((sample, index) => {
      if (sample === null) return ''
      const x = WIDTH - (samples.length - 1 - index) * step
      const y = HEIGHT - 1 - (sample / top) * (HEIGHT - 2)
      const begins = index === 0 || samples[index - 1] === null
      return `${begins ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
    })
    .join('')
  return (
    <svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <path d={path} />
    </svg>
  )
}
