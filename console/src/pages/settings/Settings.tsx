/** How the page looks, tokens and SSH keys; for operators, the platform's alerts. (Who one is: pages/account.) */
import { useEffect, useState } from 'react'
import { useSession, whyNot } from '../../api/session.ts'
import { applyTheme, readTheme, type Theme } from '../../app/theme.ts'
import { Card, PageHead, Segments } from '../../ui/parts.tsx'
import { AlertSettings } from '../alerts/AlertSettings.tsx'
import { Keys } from './Keys.tsx'
import { Tokens } from './Tokens.tsx'

export function Settings() {
  useEffect(() => {
    document.title = 'Settings · Berth'
    document.getElementById(location.hash.slice(1))?.scrollIntoView()
  }, [])
  return (
    <>
      <PageHead title="Settings" />
      <Look />
      <section id="tokens">
        <Tokens />
      </section>
      <section id="keys">
        <Keys />
      </section>
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
