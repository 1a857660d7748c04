/** A chart over time, drawn by uPlot in the page's own colours. Deploys are marked; the figures under the pointer are read out below the title. */
import 'uplot/dist/uPlot.min.css'
import './chart.css'
import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import { clock, moment } from '../text/format.ts'
import { Empty } from './parts.tsx'

export type Series = {
  name: string
  /** One for each step; null: not known. */
  values: (number | null)[]
  /** Of the four of tokens.css. */
  colour: 1 | 2 | 3 | 4 | 'bad'
  filled?: boolean
}
export type Marker = { at: number; text: string; isBad: boolean }

type Props = {
  title: string
  from: number
  stepSeconds: number
  series: Series[]
  format: (value: number) => string
  markers?: Marker[]
  height?: number
  /** Its figures are bytes: lines lie at whole KiB, MiB, GiB. */
  binary?: boolean
  /** Charts of one group share the pointer. */
  group?: string | undefined
}

export default function Chart({
  title,
  from,
  stepSeconds,
  series,
  format,
  markers = [],
  height = 150,
  binary = false,
  group,
}: Props) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const [at, setAt] = useState<number | null>(null)
  const theme = useThemeVersion()
  const steps = Math.max(0, ...series.map(({ values }) => values.length))
  const times = Array.from({ length: steps }, (_, step) => from / 1000 + step * stepSeconds)
  const data = [times, ...series.map(({ values }) => values)] as uPlot.AlignedData
  const shape = series.map(({ name, colour }) => `${name} ${colour}`).join()

  useEffect(() => {
    const element = box.current
    if (!element) return
    const made = new uPlot(
      optionsOf({ element, series, format, markers, height, binary, group, onPoint: setAt }),
      data,
      element,
    )
    plot.current = made
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    resize.observe(element)
    return () => {
      resize.disconnect()
      made.destroy()
      plot.current = null
    }
    // New figures are given to the chart that is there, below; only another shape or theme needs another chart.
  }, [shape, height, theme, group, markers.length])
  useEffect(() => plot.current?.setData(data))

  const isKnown = series.some(({ values }) => values.some((value) => value !== null))
  const shown = at ?? newestStep(series)
  return (
    <figure className="chart">
      <figcaption>
        <span className="strong">{title}</span>
        <span className="legend">
          {series.map(({ name, values, colour }) => (
            <span key={name} className={`key c-${colour}`}>
              {name}
              <b>{valueText(values[shown], format)}</b>
            </span>
          ))}
          {at !== null && <span className="faint">{clock((times[at] ?? 0) * 1000)}</span>}
        </span>
      </figcaption>
      <div ref={box} className="plot" style={{ height }} role="img" aria-label={summary(title, series, format)} />
      {!isKnown && (
        <div className="nothing">
          <Empty title="Nothing was measured in this time" />
        </div>
      )}
    </figure>
  )
}

type ForOptions = Pick<Props, 'series' | 'format' | 'markers' | 'height' | 'binary' | 'group'> & {
  element: HTMLElement
  onPoint: (step: number | null) => void
}

function optionsOf({
  element,
  series,
  format,
  markers = [],
  height = 150,
  binary,
  group,
  onPoint,
}: ForOptions): uPlot.Options {
  const colour = (name: string): string => colourOf(element, name)
  const [line, text, bad] = [colour('--line'), colour('--text-3'), colour('--bad-mark')]
  const font = `11px ${getComputedStyle(document.body).fontFamily}`
  const axis = { stroke: text, font, ticks: { show: false }, grid: { stroke: line, width: 1 } }
  return {
    width: element.clientWidth,
    height,
    padding: [10, 16, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { setScale: false, x: false, y: false },
      ...(group === undefined ? {} : { sync: { key: group } }),
    },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(max * 1.12, 1e-9)] } },
    axes: [
      { ...axis, grid: { show: false }, space: 70, size: 24, values: (_plot, splits) => timeLabels(splits) },
      {
        ...axis,
        ...(binary ? { incrs: binarySteps } : {}),
        space: 34,
        size: 62,
        values: (_plot, splits) => splits.map((value) => format(value)),
      },
    ],
    series: [
      {},
      ...series.map(({ name, colour: of, filled }): uPlot.Series => {
        const stroke = of === 'bad' ? bad : colour(`--series-${of}`)
        return {
          label: name,
          stroke,
          width: 1.6,
          points: { show: false },
          spanGaps: false,
          ...(filled ? { fill: fade(stroke) } : {}),
        }
      }),
    ],
    hooks: {
      setCursor: [({ cursor: { idx } }) => onPoint(idx ?? null)],
      draw: [(plot) => drawMarkers(plot, markers, text, bad)],
    },
  }
}

const binarySteps = Array.from({ length: 45 }, (_, power) => 2 ** power)

function drawMarkers(plot: uPlot, markers: Marker[], text: string, bad: string): void {
  const { ctx, bbox } = plot
  const ratio = devicePixelRatio
  ctx.save()
  ctx.font = `${11 * ratio}px ${getComputedStyle(document.body).fontFamily}`
  ctx.lineWidth = ratio
  ctx.textAlign = 'left'
  ctx.textBaseline = 'alphabetic'
  let free = -Infinity
  for (const marker of markers) {
    const x = Math.round(plot.valToPos(marker.at / 1000, 'x', true))
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    ctx.strokeStyle = ctx.fillStyle = marker.isBad ? bad : text
    ctx.setLineDash([3 * ratio, 3 * ratio])
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    const width = ctx.measureText(marker.text).width
    if (x < free || x + width + 6 * ratio > bbox.left + bbox.width) continue
    ctx.fillText(marker.text, x + 4 * ratio, bbox.top + 9 * ratio)
    free = x + width + 10 * ratio
  }
  ctx.restore()
}

const timeLabels = (splits: number[]): string[] => {
  const long = (splits.at(-1) ?? 0) - (splits[0] ?? 0) > 86_400
  return splits.map((at) => {
    const time = new Date(at * 1000)
    return long
      ? time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
      : time.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
  })
}

/** A custom property may be `light-dark(…)`: only a colour that is used is resolved. */
function colourOf(element: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
const fade = (colour: string): string => colour.replace('rgb(', 'rgba(').replace(')', ', 0.12)')

function useThemeVersion(): number {
  const [version, setVersion] = useState(0)
  useEffect(() => {
    const next = (): void => setVersion((before) => before + 1)
    const system = matchMedia('(prefers-color-scheme: dark)')
    system.addEventListener('change', next)
    window.addEventListener('berth-theme', next)
    return () => {
      system.removeEventListener('change', next)
      window.removeEventListener('berth-theme', next)
    }
  }, [])
  return version
}

function newestStep(series: Series[]): number {
  const newest = series.map(({ values }) => values.findLastIndex((value) => value !== null))
  return Math.max(0, ...newest)
}

const valueText = (value: number | null | undefined, format: (value: number) => string): string =>
  value === null || value === undefined ? '–' : format(value)

function summary(title: string, series: Series[], format: (value: number) => string): string {
  const step = newestStep(series)
  const values = series.map(({ name, values }) => `${name} ${valueText(values[step], format)}`).join(', ')
  return `${title}: now ${values}; measured until ${moment(Date.now())}`
}
