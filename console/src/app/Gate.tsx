/** Lets nobody in who is not signed in, and asks again, on the same page, when a session ended. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { whenExpired } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import { findSession, SessionContext, signOut, type Session } from '../api/session.ts'
import { sentenceOf } from '../api/actions.ts'
import { Brand } from '../ui/Icon.tsx'
import { sayFailed } from '../ui/toasts.tsx'
import { Shell } from './Shell.tsx'
import { SignIn } from './SignIn.tsx'

type State =
  | { kind: 'looking' }
  | { kind: 'out'; why: string | null }
  | { kind: 'in'; session: Session }
  | { kind: 'unreachable'; why: string }

const EXPIRED = 'Your session has ended. Sign in again to go on where you were.'

export function Gate() {
  const [state, setState] = useState<State>({ kind: 'looking' })
  const isIn = useRef(false)
  isIn.current = state.kind === 'in'

  const look = useCallback(() => {
    setState({ kind: 'looking' })
    findSession().then(
      (session) => setState(session ? { kind: 'in', session } : { kind: 'out', why: null }),
      (error: unknown) => setState({ kind: 'unreachable', why: sentenceOf(error) }),
    )
  }, [])

  useEffect(look, [look])
  useEffect(() => {
    whenExpired(() => {
      if (!isIn.current) return
      // What the last one saw is not for the next one.
      queryClient.clear()
      setState({ kind: 'out', why: EXPIRED })
    })
  }, [])

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
      return <SignIn why={state.why} onSignedIn={(session) => setState({ kind: 'in', session })} />
    case 'in':
      return (
        <SessionContext value={state.session}>
          <Shell onLeave={() => leave(state.session)} />
        </SessionContext>
      )
  }
}

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
