/** Deploys that are under way, and the last ones that ended. */
import { Link } from 'wouter'
import { part } from '../../api/client.ts'
import { useMany } from '../../live/hooks.ts'
import { deployState, headline, isOver } from '../../text/words.ts'
import { duration } from '../../text/format.ts'
import { Ago, Card, Empty, Status, useNow } from '../../ui/parts.tsx'

const SHOWN = 6

export function RunningDeploys() {
  const deploys = useMany('deploys', '*', 250)
  const now = useNow()
  const sorted = [...deploys].sort(
    (a, b) => Number(isOver(a)) - Number(isOver(b)) || Date.parse(b.createdAt) - Date.parse(a.createdAt),
  )
  const running = deploys.filter((deploy) => !isOver(deploy)).length
  return (
    <Card title="Deploys" aside={running > 0 && <span className="small quiet">{running} running</span>} flush>
      {sorted.length === 0 ? (
        <Empty title="No deploy in the last hour" />
      ) : (
        <ul className="list">
          {sorted.slice(0, SHOWN).map((deploy) => (
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
                      duration(Math.max(0, Math.round((now - Date.parse(deploy.createdAt)) / 1000) * 1000))
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
