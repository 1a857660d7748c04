/** The list of places, what is wrong now, and the account. */
import { useEffect, useState } from 'react'
import { Menu } from '@base-ui/react/menu'
import { Link, useLocation } from 'wouter'
import { useSession } from '../api/session.ts'
import { useLiveState, useMany, useVersion } from '../live/hooks.ts'
import { liveStore } from '../live/hooks.ts'
import { Brand, Icon, type IconName } from '../ui/Icon.tsx'
import { Status } from '../ui/parts.tsx'
import type { Word } from '../text/words.ts'
import { applyTheme, readTheme, type Theme } from './theme.ts'

export function SideContent({ onSearch, onLeave }: { onSearch: () => void; onLeave: () => void }) {
  const { operator } = useSession()
  return (
    <>
      <Link href="/" className="brand">
        <Brand />
        Berth
      </Link>
      <button type="button" className="search-button" onClick={onSearch}>
        <Icon name="search" />
        Search
        <kbd>{isMac ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      <nav className="nav" aria-label="Main">
        <Place href="/" icon="overview" text="Overview">
          <AlertCount />
        </Place>
        <Place href="/apps" icon="apps" text="Apps">
          <Count of="apps" />
        </Place>
        {operator && (
          <Place href="/hosts" icon="hosts" text="Hosts">
            <Count of="hosts" />
          </Place>
        )}
        <Place href="/tenants" icon="tenants" text="Tenants" />
      </nav>
      <nav className="nav" aria-label="Platform">
        <span className="title" aria-hidden="true">
          Platform
        </span>
        {operator && <Place href="/people" icon="people" text="People" />}
        {operator && <Place href="/plans" icon="plans" text="Plans" />}
        {operator && <Place href="/stacks" icon="stacks" text="Stacks" />}
        {operator && <Place href="/webhooks" icon="webhooks" text="Webhooks" />}
        <Place href="/audit" icon="audit" text="Audit" />
        <Place href="/settings" icon="settings" text="Settings" />
      </nav>
      <div className="foot">
        <LiveLine />
        <Account onLeave={onLeave} />
      </div>
    </>
  )
}

const isMac = /Mac|iPhone|iPad/.test(navigator.platform)

type PlaceProps = { href: string; icon: IconName; text: string; children?: React.ReactNode }

function Place({ href, icon, text, children }: PlaceProps) {
  const [location] = useLocation()
  const isHere = href === '/' ? location === '/' : location === href || location.startsWith(`${href}/`)
  return (
    <Link href={href} aria-current={isHere ? 'page' : undefined}>
      <Icon name={icon} />
      {text}
      {children}
    </Link>
  )
}

function Count({ of }: { of: 'apps' | 'hosts' }) {
  useVersion(of, '*', 1000)
  const { known, size } = liveStore[of]
  return known ? <span className="count">{size}</span> : null
}

function AlertCount() {
  const firing = useMany('alerts', 'state:firing').length
  return firing === 0 ? null : (
    <span className="count bad">
      {firing}
      <span className="sr-only"> alerts</span>
    </span>
  )
}

const states: Record<ReturnType<typeof useLiveState>, Word> = {
  connecting: { text: 'Connecting', tone: 'busy' },
  live: { text: 'Live', tone: 'good' },
  reconnecting: { text: 'Reconnecting', tone: 'busy' },
  unavailable: { text: 'Not live', tone: 'idle' },
}

const LiveLine = () => (
  <div className="live-state" role="status">
    <Status word={states[useLiveState()]} />
  </div>
)

function Account({ onLeave }: { onLeave: () => void }) {
  const { actor, operator, memberships } = useSession()
  const [, go] = useLocation()
  const [theme, setTheme] = useState(readTheme)
  useEffect(() => {
    const read = (): void => setTheme(readTheme())
    window.addEventListener('berth-theme', read)
    return () => window.removeEventListener('berth-theme', read)
  }, [])
  const what = operator ? 'Operator' : memberships.map(({ tenant, role }) => `${role} of ${tenant}`).join(', ')
  return (
    <Menu.Root>
      <Menu.Trigger className="account">
        <span className="sr-only">Account of</span>
        <span className="avatar" aria-hidden="true">
          {actor.slice(0, 2).toUpperCase()}
        </span>
        <span className="who">
          <span className="clip strong small">{actor}</span>
          <span className="clip small faint">{what || 'No tenant'}</span>
        </span>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner className="menu-positioner" side="top" align="start" sideOffset={6}>
          <Menu.Popup className="menu">
            <Menu.Item className="menu-item" onClick={() => go('/account')}>
              <Icon name="account" />
              Your account
            </Menu.Item>
            <Menu.Item className="menu-item" onClick={() => go('/settings')}>
              <Icon name="settings" />
              Settings
            </Menu.Item>
            {themes
              .filter(([value]) => value !== theme)
              .map(([value, text, icon]) => (
                <Menu.Item key={value} className="menu-item" onClick={() => applyTheme(value)}>
                  <Icon name={icon} />
                  {text}
                </Menu.Item>
              ))}
            <Menu.Item className="menu-item" onClick={onLeave}>
              <Icon name="exit" />
              Sign out
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}

const themes: [Theme, string, IconName][] = [
  ['light', 'Light theme', 'sun'],
  ['dark', 'Dark theme', 'moon'],
  ['system', 'Theme of the system', 'settings'],
]
