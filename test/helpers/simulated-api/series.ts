/** Time series that look like a day's. */
import type { SeriesView } from '#core/contract/series.ts'
import { createChance } from './chance.ts'

const ranges: Record<string, { stepSeconds: number; steps: number }> = {
  '1h': { stepSeconds: 10, steps: 360 },
  '24h': { stepSeconds: 60, steps: 1440 },
  '30d': { stepSeconds: 3600, steps: 720 },
}

export function makeSeries(name: string, range: string, requests: number, instances: number, now: number): SeriesView {
  const { stepSeconds, steps } = ranges[range] ?? { stepSeconds: 10, steps: 360 }
  const chance = createChance(name.length * 977 + steps)
  const from = now - steps * stepSeconds * 1000
  const wave = (least: number, most: number, noise: number): (number | null)[] =>
    Array.from({ length: steps }, (_, step) => {
      const day = Math.sin(((step + name.length * 17) / steps) * Math.PI * (steps > 700 ? 6 : 2.4))
      const value = least + (most - least) * (0.5 + day * 0.35) + (chance.next() - 0.5) * noise * (most - least)
      return Math.max(0, Math.round(value * 1000) / 1000)
    })
  const rare = (most: number): (number | null)[] =>
    Array.from({ length: steps }, () => (chance.next() > 0.93 ? Math.round(chance.next() * most * 100) / 100 : 0))
  return {
    from: new Date(from).toISOString(),
    to: new Date(now).toISOString(),
    stepSeconds,
    series: {
      requestsPerSecond: wave(requests * 0.6, requests * 1.3, 0.12),
      errorsPerSecond: rare(requests * 0.02),
      p50Ms: wave(8, 22, 0.3),
      p95Ms: wave(48, 140, 0.25),
      cpuMilli: wave(instances * 60, instances * 260, 0.14),
      memoryBytes: wave(instances * 120 * 1024 ** 2, instances * 190 * 1024 ** 2, 0.06),
      bytesInPerSecond: wave(requests * 700, requests * 1100, 0.3),
      bytesOutPerSecond: wave(requests * 9000, requests * 15_000, 0.3),
      instances: Array.from({ length: steps }, () => instances),
      restarts: rare(1),
    },
  }
}
