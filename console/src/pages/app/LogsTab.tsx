/** An app's log as it comes: filtered, paused, and read back. */
import { useMemo, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import { clock } from '../../text/format.ts'
import { Ansi } from '../../ui/Ansi.tsx'
import { Button } from '../../ui/Button.tsx'
import { LogView } from '../../ui/LogView.tsx'
import { Card, Empty, Notice, SearchField } from '../../ui/parts.tsx'
import type { TabProps } from './AppPage.tsx'
import { pathOf } from './doings.ts'
import { filterLines, type Filter } from './log-buffer.ts'
import { useLog } from './use-log.ts'

const sources = [
  ['all', 'All sources'],
  ['app', 'App'],
  ['router', 'Router'],
  ['build', 'Build'],
  ['platform', 'Platform'],
] as const

/** The filter is in the address, so that it can be sent to somebody: `?ps=run.3&text=error`. */
function useFilter(): [Filter, (part: Partial<Filter>) => void] {
  const search = new URLSearchParams(useSearch())
  const [path, go] = useLocation()
  const source = sources.find(([value]) => value === search.get('source'))?.[0] ?? 'all'
  const filter: Filter = { text: search.get('text') ?? '', source, ps: search.get('ps') ?? '' }
  const change = (part: Partial<Filter>): void => {
    const wanted = Object.entries({ ...filter, ...part }).filter(([, value]) => value !== '' && value !== 'all')
    const query = new URLSearchParams(wanted).toString()
    go(query === '' ? path : `${path}?${query}`, { replace: true })
  }
  return [filter, change]
}

export function LogsTab({ app }: TabProps) {
  const [filter, change] = useFilter()
  const [paused, setPaused] = useState(false)
  const [wrap, setWrap] = useState(false)
  const { lines, state, error } = useLog(`${pathOf(app)}/logs`, paused)
  const { text, source, ps } = filter
  const shown = useMemo(() => filterLines(lines, { text, source, ps }), [lines, text, source, ps])
  const processes = useMemo(
    () => [...new Set([...lines.map((line) => line.ps), ...(ps === '' ? [] : [ps])])].sort(),
    [lines, ps],
  )
  return (
    <Card>
      <div className="flush">
        <div className="log-tools">
          <SearchField label="Filter lines" value={filter.text} onChange={(text) => change({ text })} />
          <select
            className="input compact"
            aria-label="Source"
            value={filter.source}
            onChange={(event) => change({ source: event.target.value as Filter['source'] })}
          >
            {sources.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
          <select
            className="input compact"
            aria-label="Process"
            value={filter.ps}
            onChange={(event) => change({ ps: event.target.value })}
          >
            <option value="">All processes</option>
            {processes.map((ps) => (
              <option key={ps}>{ps}</option>
            ))}
          </select>
          <span className="grow" />
          <Button size="small" kind="plain" onClick={() => setWrap(!wrap)}>
            {wrap ? 'Do not wrap' : 'Wrap lines'}
          </Button>
          <Button size="small" icon={paused ? 'play' : 'pause'} onClick={() => setPaused(!paused)}>
            {paused ? 'Resume' : 'Pause'}
          </Button>
        </div>
        {error !== null && state === 'again' && <Notice tone="busy">{error}</Notice>}
        <LogView
          label={`Log of ${app.name}`}
          count={shown.length}
          wrap={wrap}
          empty={
            <Empty title={lines.length === 0 ? 'Nothing was logged yet' : 'No line matches the filter'}>
              {lines.length === 0 && (
                <p>What the app prints to its standard output and error shows here as it comes.</p>
              )}
            </Empty>
          }
          line={(index) => {
            const line = shown[index]
            return (
              line && (
                <>
                  <span className="at">{clock(Date.parse(line.at))}</span>
                  <span className={`ps ${line.source}`}>{line.ps}</span>
                  <Ansi line={line.line} />
                </>
              )
            )
          }}
        />
      </div>
    </Card>
  )
}
