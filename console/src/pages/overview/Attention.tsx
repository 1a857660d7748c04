/** What needs somebody, worst first; and that nothing does. */
import { useMemo, useState } from 'react'
import { Link } from 'wouter'
import { useMany } from '../../live/hooks.ts'
import { findConcerns } from '../../text/attention.ts'
import { Ago, Card, Status } from '../../ui/parts.tsx'
import { Button } from '../../ui/Button.tsx'

const SHOWN = 5

export function Attention() {
  const alerts = useMany('alerts', '*', 1000)
  const hosts = useMany('hosts', '*', 1000)
  const apps = useMany('apps', '*', 1000)
  const instances = useMany('instances', '*', 1000)
  const concerns = useMemo(() => findConcerns({ alerts, hosts, apps, instances }), [alerts, hosts, apps, instances])
  const [all, setAll] = useState(false)
  if (concerns.length === 0)
    return (
      <div className="all-well">
        <Status word={{ text: 'Nothing needs your attention', tone: 'good' }} />
      </div>
    )
  const shown = all ? concerns : concerns.slice(0, SHOWN)
  return (
    <Card title="Needs attention" aside={<span className="faint small">{concerns.length}</span>} flush>
      <ul className="concerns">
        {shown.map(({ key, tone, what, text, href, since }) => (
          <li key={key}>
            <Link href={href}>
              <Status word={{ text: what, tone }} />
              <span className="text">{text}</span>
              {since !== null && (
                <span className="faint small when">
                  <Ago at={since} />
                </span>
              )}
            </Link>
          </li>
        ))}
      </ul>
      {concerns.length > SHOWN && (
        <div className="more">
          <Button kind="plain" size="small" onClick={() => setAll(!all)}>
            {all ? 'Show fewer' : `Show ${concerns.length - SHOWN} more`}
          </Button>
        </div>
      )}
    </Card>
  )
}
