/** Each host as a tile, which renders again only when that host changes. */
import { memo, useMemo } from 'react'
import { Link } from 'wouter'
import { useFigure, useKnown, useMany, useOne } from '../../live/hooks.ts'
import { compareNames } from '../../text/order.ts'
import { cores, mebibytes, percent, plural } from '../../text/format.ts'
import { hostPath } from '../../text/attention.ts'
import { Card, Empty, Meter, Status } from '../../ui/parts.tsx'
import { countHere, hostState } from '../hosts/state.ts'

/** From so many on, tiles say less each. */
const MANY = 24

export function HostTiles() {
  const hosts = useMany('hosts', '*', 1000)
  const isKnown = useKnown('hosts')
  const ids = useMemo(() => hosts.map(({ id }) => id).sort(compareNames), [hosts])
  if (!isKnown) return null
  const live = hosts.filter((host) => host.live).length
  return (
    <section aria-labelledby="hosts-title">
      <div className="row between section-head">
        <h2 id="hosts-title">
          Hosts{' '}
          <span className="faint">{live === hosts.length ? hosts.length : `${live} of ${hosts.length} live`}</span>
        </h2>
        <Link href="/hosts" className="link small">
          All hosts
        </Link>
      </div>
      {hosts.length === 0 ? (
        <Card>
          <Empty title="No host has joined yet">
            <p>Start an agent on a machine; it shows here as soon as it has registered.</p>
          </Empty>
        </Card>
      ) : (
        <ul className={`tiles ${ids.length > MANY ? 'many' : ''}`}>
          {ids.map((id) => (
            <HostTile key={id} id={id} isSmall={ids.length > MANY} />
          ))}
        </ul>
      )}
    </section>
  )
}

const HostTile = memo(function HostTile({ id, isSmall }: { id: string; isSmall: boolean }) {
  const host = useOne('hosts', id)
  const here = useFigure('instances', `host:${id}`, countHere)
  if (!host) return null
  const { capacity, reserved } = host
  const memory = host.memoryMbUsed / capacity.memoryMb
  const cpu = host.cpuMilliUsed / capacity.cpuMilli
  const state = hostState(host, here)
  return (
    <li className="tile">
      <Link href={hostPath(id)}>
        <span className="row between">
          <span className="strong clip">{id}</span>
          {isSmall && state.tone === 'good' ? <span className="faint small">{here}</span> : <Status word={state} />}
        </span>
        {!isSmall && <span className="small quiet">{plural(here, 'instance')}</span>}
        <span className="bars">
          <span className="small quiet">CPU</span>
          <Meter used={cpu} label={`CPU of ${id}`} text={percent(cpu)} />
          <span className="small num">
            {isSmall ? (
              <span className="figure">{percent(cpu)}</span>
            ) : (
              `${cores(host.cpuMilliUsed)} / ${cores(capacity.cpuMilli)}`
            )}
          </span>
          <span className="small quiet">{isSmall ? 'Mem' : 'Memory'}</span>
          <Meter
            used={memory}
            assigned={reserved.memoryMb / capacity.memoryMb}
            label={`Memory of ${id}`}
            text={percent(memory)}
          />
          <span className="small num">
            {isSmall ? <span className="figure">{percent(memory)}</span> : mebibytes(host.memoryMbUsed)}
          </span>
          {!isSmall && (
            <>
              <span className="small quiet">Disk</span>
              <Meter
                used={0}
                assigned={reserved.diskMb / capacity.diskMb}
                label={`Disk of ${id} that is assigned`}
                text={percent(reserved.diskMb / capacity.diskMb)}
              />
              <span className="small num">{mebibytes(reserved.diskMb)}</span>
            </>
          )}
        </span>
      </Link>
    </li>
  )
})
