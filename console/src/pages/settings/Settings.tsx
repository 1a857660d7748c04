/** One's own: how the page looks, tokens, SSH keys and the account. */
import { useEffect, useState } from 'react'
import { useSession, whyNot } from '../../api/session.ts'
import { applyTheme, readTheme, type Theme } from '../../app/theme.ts'
import { Card, PageHead, Segments } from '../../ui/parts.tsx'
import { AlertSettings } from '../alerts/AlertSettings.tsx'
import { Account } from './Account.tsx'
import { Keys } from './Keys.tsx'
import { Tokens } from './Tokens.tsx'

export function Settings() {
  useEffect(() => {
    document.title = 'Settings · Berth'
  }, [])
  return (
    <>
      <PageHead title="Settings" />
      <div className="columns two">
        <You />
        <Look />
      </div>
      <Account />
      <Tokens />
      <Keys />
      <PlatformAlerts />
    </>
  )
}

/** Everybody's alerts are on the pages of their apps and tenants; these are the operators'. */
function PlatformAlerts() {
  const session = useSession()
  if (!session.operator) return null
  return (
    <section className="stack" id="alerts">
      <h2 className="section">Alerts of the platform</h2>
      <AlertSettings path="/v1/alerts" of="platform" why={whyNot(session, 'operate', null)} />
    </section>
  )
}

function You() {
  const { actor, email, operator, memberships, byToken, readOnly } = useSession()
  return (
    <Card title="You">
      <dl className="pairs">
        <dt>Signed in as</dt>
        <dd className="strong">{actor}</dd>
        {email !== null && (
          <>
            <dt>E-mail</dt>
            <dd>{email}</dd>
          </>
        )}
        <dt>You are</dt>
        <dd>
          {operator
            ? 'an operator'
            : memberships.map(({ tenant, role }) => `${role} of ${tenant}`).join(', ') || 'in no tenant'}
        </dd>
        <dt>By</dt>
        <dd>
          {byToken ? 'an API token, until you reload the page' : 'a session'}
          {readOnly ? ', which may only read' : ''}
        </dd>
      </dl>
    </Card>
  )
}

function Look() {
  const [theme, setTheme] = useState(readTheme)
  return (
    <Card title="Theme">
      <Segments<Theme>
        label="Theme"
        value={theme}
        onChange={(next) => {
          applyTheme(next)
          setTheme(next)
        }}
        options={[
          ['system', 'As the system'],
          ['light', 'Light'],
          ['dark', 'Dark'],
        ]}
      />
    </Card>
  )
}
