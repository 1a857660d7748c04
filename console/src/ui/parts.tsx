/** The small parts that every page is made of. */
import { useEffect, useState, useSyncExternalStore, type ReactNode } from 'react'
import type { ApiError } from '../api/client.ts'
import { ago, moment } from '../text/format.ts'
import type { Tone, Word } from '../text/words.ts'
import { Icon, type IconName } from './Icon.tsx'

export const Status = ({ word, title }: { word: Word; title?: string }) => (
  <span className={`status ${word.tone}`} title={title}>
    {word.text}
  </span>
)

export const Tag = ({ tone, children }: { tone?: Tone | 'accent'; children: ReactNode }) => (
  <span className={`tag ${tone ?? ''}`}>{children}</span>
)

type CardProps = { title?: ReactNode; aside?: ReactNode; children?: ReactNode; footer?: ReactNode; flush?: boolean }

/** @param flush its content reaches to its edges: a table */
export function Card({ title, aside, children, footer, flush = false }: CardProps) {
  return (
    <section className="card">
      {title !== undefined && (
        <header>
          <h2>{title}</h2>
          {aside !== undefined && <div className="row">{aside}</div>}
        </header>
      )}
      {children !== undefined && children !== null && (flush ? children : <div className="body">{children}</div>)}
      {footer !== undefined && <footer>{footer}</footer>}
    </section>
  )
}

type PageHeadProps = { title: ReactNode; crumbs?: ReactNode; about?: ReactNode; children?: ReactNode }

export function PageHead({ title, crumbs, about, children }: PageHeadProps) {
  return (
    <div className="page-head">
      <div className="grow">
        {crumbs !== undefined && (
          <nav className="crumbs" aria-label="Breadcrumb">
            {crumbs}
          </nav>
        )}
        <h1 className="clip">{title}</h1>
        {about !== undefined && <div className="about">{about}</div>}
      </div>
      {children !== undefined && <div className="do">{children}</div>}
    </div>
  )
}

export const Empty = ({ title, children }: { title: string; children?: ReactNode }) => (
  <div className="empty">
    <strong>{title}</strong>
    {children}
  </div>
)

export const Notice = ({ tone, children }: { tone?: Tone; children: ReactNode }) => (
  <div className={`notice ${tone ?? ''}`} role={tone === 'bad' ? 'alert' : undefined}>
    {children}
  </div>
)

export function Failed({ error, again }: { error: ApiError; again?: () => void }) {
  return (
    <div className="empty" role="alert">
      <strong>{error.status === 404 ? 'This is not here' : 'This could not be loaded'}</strong>
      <p>{error.message}</p>
      {again && (
        <button type="button" className="button small" onClick={again}>
          Try again
        </button>
      )}
    </div>
  )
}

export const Loading = ({ lines = 4 }: { lines?: number }) => (
  <div className="body stack loading" role="status" aria-label="Loading">
    {Array.from({ length: lines }, (_, line) => (
      <span key={line} className="skeleton" style={{ width: `${[92, 74, 83, 61][line % 4]}%` }} />
    ))}
  </div>
)

/** @property used, assigned shares of the whole, 0 to 1. @property tone left out: the fuller, the worse */
type MeterProps = { used: number; assigned?: number; label: string; text: string; tone?: Tone | '' }

const toneOfUse = (used: number): Tone | '' => (used >= 0.95 ? 'bad' : used >= 0.85 ? 'busy' : '')

/** Drawn as a background: another figure is painted, and moves nothing on the page. */
export const Meter = ({ used, assigned = 0, label, text, tone = toneOfUse(used) }: MeterProps) => (
  <span
    className={`meter ${tone}`}
    style={{ backgroundSize: `${width(used)} 100%, ${width(assigned)} 100%` }}
    role="meter"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={Math.round(Math.min(used, 1) * 100)}
    aria-valuetext={text}
  />
)
const width = (share: number): string => `${(Math.min(1, Math.max(0, share)) * 100).toFixed(1)}%`

/** All of the page's relative times move on together. */
const clockListeners = new Set<() => void>()
let clockNow = Date.now()
setInterval(() => {
  clockNow = Date.now()
  for (const tell of clockListeners) tell()
}, 5000)

const listenToClock = (tell: () => void): (() => void) => {
  clockListeners.add(tell)
  return () => clockListeners.delete(tell)
}

export const useNow = (): number => useSyncExternalStore(listenToClock, () => clockNow)

/**
 * Renders again only when it says something else.
 * @param at an ISO 8601 time, or ms since 1970
 */
export function Ago({ at }: { at: string | number }) {
  const time = typeof at === 'number' ? at : Date.parse(at)
  const text = useSyncExternalStore(listenToClock, () => ago(time, Math.max(clockNow, Math.min(time, clockNow + 5000))))
  return (
    <time dateTime={new Date(time).toISOString()} title={moment(time)} className="nowrap">
      {text}
    </time>
  )
}

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1500)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <button
      type="button"
      className="button plain icon small"
      aria-label={copied ? 'Copied' : `Copy ${what}`}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      <Icon name={copied ? 'check' : 'copy'} />
    </button>
  )
}

export const CopyLine = ({ text, what }: { text: string; what: string }) => (
  <div className="copy-line">
    <code tabIndex={0} role="group" aria-label={what}>
      {text}
    </code>
    <CopyButton text={text} what={what} />
  </div>
)

type SearchProps = { value: string; onChange: (value: string) => void; label: string }

export const SearchField = ({ value, onChange, label }: SearchProps) => (
  <div className="search-field">
    <Icon name="search" />
    <input
      type="search"
      className="input compact"
      aria-label={label}
      placeholder={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  </div>
)

type SegmentsProps<T extends string> = {
  label: string
  value: T
  options: readonly (readonly [T, string])[]
  onChange: (value: T) => void
}

export const Segments = <T extends string>({ label, value, options, onChange }: SegmentsProps<T>) => (
  <div className="segments" role="group" aria-label={label}>
    {options.map(([option, text]) => (
      <button key={option} type="button" aria-pressed={option === value} onClick={() => onChange(option)}>
        {text}
      </button>
    ))}
  </div>
)

export const Dot = () => (
  <span aria-hidden="true" className="faint wide-only">
    ·
  </span>
)

export type { IconName }
