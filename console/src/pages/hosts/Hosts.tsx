/** Every host: its state, what it holds, and what is free. */
import '../../ui/instances.css'
import { useEffect, useMemo, useState } from 'react'
import { Link } from 'wouter'
import type { HostView } from '../../../../core/contract/api.ts'
import { useFigure, useKnown, useMany, useOne } from '../../live/hooks.ts'
import { compareNames } from '../../text/order.ts'
import { hostPath } from '../../text/attention.ts'
import { bytes, cores, mebibytes, percent } from '../../text/format.ts'
import { Card, Empty, Loading, Meter, PageHead, SearchField, Status } from '../../ui/parts.tsx'
import { Rows, type Column } from '../../ui/Rows.tsx'
import { countHere, hostState } from './state.ts'

export function Hosts() {
  const hosts = useMany('hosts', '*', 1000)
  const isKnown = useKnown('hosts')
  const [text, setText] = useState('')
  useEffect(() => {
    document.title = 'Hosts · Berth'
  }, [])
  const shown = useMemo(
    () =>
      hosts
        .filter(({ id, hostname }) => `${id} ${hostname}`.toLowerCase().includes(text.toLowerCase()))
        .sort((a, b) => compareNames(a.id, b.id)),
    [hosts, text],
  )
  return (
    <>
      <PageHead title="Hosts">
        <SearchField label="Filter hosts" value={text} onChange={setText} />
      </PageHead>
      <Card>
        {!isKnown ? (
          <Loading lines={6} />
        ) : hosts.length === 0 ? (
          <Empty title="No host has joined yet">
            <p>Start an agent on a machine; it shows here as soon as it has registered.</p>
          </Empty>
        ) : shown.length === 0 ? (
          <Empty title={`No host’s name holds “${text}”`} />
        ) : (
          <div className="flush">
            <Rows label="Hosts" items={shown} keyOf={({ id }) => id} columns={columns} rowHeight={56} />
          </div>
        )}
      </Card>
    </>
  )
}

const columns: Column<HostView>[] = [
  {
    title: 'Host',
    width: 'minmax(64px, 1.4fr)',
    cell: ({ id }) => (
      <Link href={hostPath(id)} className="name">
        {id}
      </Link>
    ),
  },
  { title: 'State', width: 'minmax(92px, 1.2fr)', cell: ({ id }) => <State id={id} /> },
  { title: 'Instances', width: '80px', from: 'wide', num: true, cell: ({ id }) => <Here id={id} /> },
  {
    title: 'CPU used',
    width: 'minmax(110px, 1fr)',
    from: 'wide',
    cell: ({ id }) => <Use id={id} label="CPU" used={cpuUsed} most={cpuMost} format={cores} />,
  },
  {
    title: 'Memory used',
    width: 'minmax(104px, 1.2fr)',
    cell: ({ id }) => (
      <Use id={id} label="Memory" used={memoryUsed} most={memoryMost} assigned={memoryAssigned} format={mebibytes} />
    ),
  },
  {
    title: 'Disk used',
    width: 'minmax(110px, 1fr)',
    from: 'wider',
    cell: ({ id }) => <Use id={id} label="Disk" used={diskUsed} most={diskMost} format={bytes} />,
  },
  {
    title: 'Version',
    width: '76px',
    from: 'wider',
    num: true,
    cell: ({ version }) => <span className="quiet">{version}</span>,
  },
]

type Figure = (host: HostView) => number
const cpuUsed: Figure = ({ cpuMilliUsed }) => cpuMilliUsed
const cpuMost: Figure = ({ capacity }) => capacity.cpuMilli
const memoryUsed: Figure = ({ memoryMbUsed }) => memoryMbUsed
const memoryMost: Figure = ({ capacity }) => capacity.memoryMb
const memoryAssigned: Figure = ({ reserved }) => reserved.memoryMb
/** NaN: not known. */
const diskUsed: Figure = ({ disk }) => disk?.usedBytes ?? NaN
const diskMost: Figure = ({ disk }) => disk?.totalBytes ?? NaN

const useHere = (id: string): number => useFigure('instances', `host:${id}`, countHere)

const Here = ({ id }: { id: string }) => useHere(id)

function State({ id }: { id: string }) {
  const host = useOne('hosts', id)
  const here = useHere(id)
  return host ? <Status word={hostState(host, here)} /> : null
}

type UseProps = {
  id: string
  label: string
  used: Figure
  most: Figure
  assigned?: Figure
  format: (value: number) => string
}

function Use({ id, label, used, most, assigned, format }: UseProps) {
  const host = useOne('hosts', id)
  if (!host) return null
  const share = used(host) / most(host)
  if (Number.isNaN(share)) return <span className="faint">–</span>
  return (
    <span className="use">
      <span className="small">
        {format(used(host))} <span className="faint">of {format(most(host))}</span>
      </span>
      <Meter
        used={share}
        {...(assigned ? { assigned: assigned(host) / most(host) } : {})}
        label={`${label} of ${id}`}
        text={percent(share)}
      />
    </span>
  )
}
