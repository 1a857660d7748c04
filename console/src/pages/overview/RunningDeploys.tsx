/** Deploys that are under way, and the last ones that ended. */
import { useMemo } from 'react'
import { Link } from 'wouter'
import { part } from '../../api/client.ts'
import { useMany } from '../../live/hooks.ts'
import { deployState, headline, isOver } from '../../text/words.ts'
import { duration } from '../../text/format.ts'
import { Ago, Card, Empty, Status, useNow } from '../../ui/parts.tsx'

const SHOWN = 6

export function RunningDeploys() {
  const deploys = useMany('deploys', '*', 250)
  const { shown, running } = useMemo(() => {
    const newestFirst = deploys.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
    const underWay = newestFirst.filter((deploy) => !isOver(deploy))
    return { shown: [...underWay, ...newestFirst.filter(isOver)].slice(0, SHOWN), running: underWay.length }
  }, [deploys])
  return (
    <Card title="Deploys" aside={running > 0 && <span className="small quiet">{running} running</span>} flush>
      {shown.length === 0 ? (
        <Empty title="No deploy in the last hour" />
      ) : (
        <ul className="list">
          {shown.map((deploy) => (
            <li key={deploy.id}>
              <Link href={`/apps/${part(deploy.app)}/deploys/${deploy.id}`}>
                <span className="grow">
                  <span className="row">
                    <span className="strong clip">{deploy.app}</span>
                    {deploy.release !== null && <span className="faint small">v{deploy.release}</span>}
                  </span>
                  <span className="clip small quiet block">{headline(deploy)}</span>
                </span>
                <span className="end">
                  <Status word={deployState(deploy)} />
                  <span className="small faint">
                    {isOver(deploy) ? (
                      <Ago at={deploy.endedAt ?? deploy.createdAt} />
                    ) : (
                      <Lasting since={deploy.createdAt} />
                    )}
                  </span>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

const Lasting = ({ since }: { since: string }) =>
  duration(Math.max(0, Math.round((useNow() - Date.parse(since)) / 1000) * 1000))
