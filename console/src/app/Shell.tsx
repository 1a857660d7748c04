/** The frame around every page: where one can go, who one is, and whether what is shown is live. */
import { Component, Suspense, useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { Dialog } from '@base-ui/react/dialog'
import { Link, Route, Switch, useLocation } from 'wouter'
import { useSession } from '../api/session.ts'
import { followLive, type LiveState } from '../live/connection.ts'
import { liveStore, LiveStateContext } from '../live/hooks.ts'
import { Button } from '../ui/Button.tsx'
import { Brand } from '../ui/Icon.tsx'
import { Empty, Loading } from '../ui/parts.tsx'
import { Palette, usePalette } from './Palette.tsx'
import { pages, type PageRoute } from './routes.tsx'
import { SideContent } from './Side.tsx'
import { useFreshness } from './freshness.ts'

export function Shell({ onLeave }: { onLeave: () => void }) {
  const session = useSession()
  const [live, setLive] = useState<LiveState>('connecting')
  const topics = useMemo(
    // They come in this order: instances last, since they are most of it and everything else can be drawn before.
    () => [...(session.operator ? ['hosts'] : []), 'alerts', 'apps', 'deploys', 'events', 'traffic', 'instances'],
    [session.operator],
  )
  useEffect(() => followLive({ store: liveStore, topics, onState: setLive }), [topics])
  useFreshness()

  const palette = usePalette()
  const [drawer, setDrawer] = useState(false)
  const [location] = useLocation()
  const main = useRef<HTMLElement>(null)
  const before = useRef(location)
  useEffect(() => {
    setDrawer(false)
    if (pageOf(before.current) !== pageOf(location)) {
      window.scrollTo(0, 0)
      main.current?.focus({ preventScroll: true })
    }
    before.current = location
  }, [location])

  return (
    <LiveStateContext value={live}>
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <div className="shell">
        <aside className="side">
          <SideContent onSearch={palette.open} onLeave={onLeave} />
        </aside>
        <div className="topbar">
          <Button icon="menu" kind="plain" label="Menu" onClick={() => setDrawer(true)} />
          <span className="brand">
            <Brand />
            Berth
          </span>
          <Button icon="search" kind="plain" label="Search" onClick={palette.open} />
        </div>
        <Dialog.Root open={drawer} onOpenChange={setDrawer}>
          <Dialog.Portal>
            <Dialog.Backdrop className="backdrop" />
            <Dialog.Popup className="side drawer" aria-label="Menu">
              <SideContent
                onSearch={() => {
                  setDrawer(false)
                  palette.open()
                }}
                onLeave={onLeave}
              />
            </Dialog.Popup>
          </Dialog.Portal>
        </Dialog.Root>
        <div>
          {session.secondFactor === 'enrol' && (
            <div className="banner">
              Operators need a second factor before they may operate.{' '}
              <Link href="/account">Set one up in your account.</Link>
            </div>
          )}
          {live === 'reconnecting' && (
            <div className="banner" role="status">
              The connection is lost. What you see may be old; it is tried again.
            </div>
          )}
          <main id="main" ref={main} className="page" tabIndex={-1}>
            <PageBoundary key={pageOf(location)}>
              <Suspense fallback={<Loading />}>
                <Switch>
                  {pages.map((route) => (
                    <Route key={route.path} path={route.path}>
                      {(params) => <Shown route={route} params={params as Record<string, string>} />}
                    </Route>
                  ))}
                  <Route>
                    <Empty title="There is no such page">
                      <p>The address may be mistyped, or of something that is gone.</p>
                    </Empty>
                  </Route>
                </Switch>
              </Suspense>
            </PageBoundary>
          </main>
        </div>
      </div>
      <Palette state={palette} />
    </LiveStateContext>
  )
}

function Shown({ route: { page, operators }, params }: { route: PageRoute; params: Record<string, string> }) {
  const session = useSession()
  if (operators && !session.operator)
    return (
      <Empty title="This page is for operators">
        <p>You are signed in as {session.actor}, who is not one of this platform’s operators.</p>
      </Empty>
    )
  return <page.Component params={params} />
}

/** The tabs of an app are one page. */
const pageOf = (location: string): string => location.split('/').slice(0, 3).join('/')

class PageBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }
  static getDerivedStateFromError(error: Error) {
    return { error }
  }
  override render() {
    if (!this.state.error) return this.props.children
    return (
      <Empty title="This page broke">
        <p>{this.state.error.message}</p>
        <Button onClick={() => location.reload()}>Load it again</Button>
      </Empty>
    )
  }
}
