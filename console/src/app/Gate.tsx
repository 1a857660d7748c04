/** Lets nobody in who is not signed in, and asks again, on the same page, when a session ended. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { whenExpired } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import { findSession, SessionContext, signOut, type Session } from '../api/session.ts'
import { sentenceOf } from '../api/actions.ts'
import { Brand } from '../ui/Icon.tsx'
import { sayFailed } from '../ui/toasts.tsx'
import { Shell } from './Shell.tsx'
import { SecondFactor, SignIn } from './SignIn.tsx'

type State =
  | { kind: 'looking' }
  | { kind: 'out'; why: string | null }
  | { kind: 'in'; session: Session }
  /** The password was right, and a code is still asked for. */
  | { kind: 'half'; session: Session }
  | { kind: 'unreachable'; why: string }

const EXPIRED = 'Your session has ended. Sign in again to go on where you were.'

export function Gate() {
  const [state, setState] = useState<State>({ kind: 'looking' })
  const isIn = useRef(false)
  isIn.current = state.kind === 'in'

  const enter = useCallback((session: Session) => {
    // The door is no page to be on.
    if (location.pathname === '/login') history.replaceState(null, '', '/')
    setState(session.secondFactor === 'show' ? { kind: 'half', session } : { kind: 'in', session })
  }, [])

  const look = useCallback(() => {
    setState({ kind: 'looking' })
    findSession().then(
      (session) => (session && !opensLink() ? enter(session) : setState({ kind: 'out', why: null })),
      (error: unknown) => setState({ kind: 'unreachable', why: sentenceOf(error) }),
    )
  }, [enter])

  useEffect(look, [look])
  useEffect(() => {
    whenExpired(() => {
      if (!isIn.current) return
      // What the last one saw is not for the next one.
      queryClient.clear()
      setState({ kind: 'out', why: EXPIRED })
    })
  }, [])

  useEffect(() => {
    const lookAgain = (): void =>
      void findSession().then(
        (session) => session && isIn.current && enter(session),
        () => {
          // Who somebody was is shown until the page is loaded again.
        },
      )
    window.addEventListener('berth-session', lookAgain)
    return () => window.removeEventListener('berth-session', lookAgain)
  }, [enter])

  const leave = useCallback((session: Session) => {
    signOut(session).catch((error: unknown) => sayFailed(`You may still be signed in: ${sentenceOf(error)}`))
    queryClient.clear()
    setState({ kind: 'out', why: null })
  }, [])

  switch (state.kind) {
    case 'looking':
      return <Waiting />
    case 'unreachable':
      return <Waiting why={state.why} again={look} />
    case 'out':
      return <SignIn why={state.why} onSignedIn={enter} />
    case 'half':
      return <SecondFactor onSignedIn={enter} />
    case 'in':
      return (
        <SessionContext value={state.session}>
          <Shell onLeave={() => leave(state.session)} />
        </SessionContext>
      )
  }
}

/** A link that signs somebody in, or joins them, does so whoever was signed in before. */
const opensLink = (): boolean => location.pathname === '/login' && /[?&](once|invitation)=/.test(location.search)

const Waiting = ({ why, again }: { why?: string; again?: () => void }) => (
  <div className="sign-in">
    <main aria-busy={why === undefined}>
      <div className="brand">
        <Brand />
        Berth
      </div>
      {why !== undefined && (
        <div className="card stack" role="alert">
          <p>{why}</p>
          <button type="button" className="button" onClick={again}>
            Try again
          </button>
        </div>
      )}
    </main>
  </div>
)
