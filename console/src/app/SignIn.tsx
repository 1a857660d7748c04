/** The door: e-mail and password (and a code), a link that works once, or a token. */
import { useEffect, useRef, useState } from 'react'
import { useAction } from '../api/actions.ts'
import { ApiError, call } from '../api/client.ts'
import {
  findSession,
  findSignOn,
  showSecondFactor,
  signInByPassword,
  signInByToken,
  signInOnce,
  type Session,
} from '../api/session.ts'
import { Button } from '../ui/Button.tsx'
import { CodeField, EmailField, PasswordField, TextField } from '../ui/fields.tsx'
import { Form } from '../ui/Form.tsx'
import { Brand } from '../ui/Icon.tsx'
import { Notice } from '../ui/parts.tsx'
import { Invitation } from './Invitation.tsx'

type Props = { why: string | null; onSignedIn: (session: Session) => void }

export function SignIn({ why, onSignedIn }: Props) {
  const [invitation] = useState(() => inUrl('invitation'))
  const [problem] = useState(() => inUrl('problem'))
  const [way, setWay] = useState<'password' | 'token' | 'once' | 'invitation'>(() =>
    inUrl('once') !== null ? 'once' : invitation !== null ? 'invitation' : 'password',
  )
  // Whoever has an account accepts an invitation as themselves: by signing in behind its link.
  const enter = async (session: Session): Promise<void> => {
    if (invitation === null || way === 'invitation') return onSignedIn(session)
    await call('POST', '/v1/account/invitations', { body: { code: invitation } })
    onSignedIn((await findSession()) ?? session)
  }
  useEffect(() => {
    document.title = 'Sign in · Berth'
  }, [])
  return (
    <div className="sign-in">
      <main>
        <div className="brand">
          <Brand />
          Berth
        </div>
        <div className="card">
          <h1>{way === 'invitation' ? 'You are invited' : 'Sign in'}</h1>
          <div className="stack">
            {why !== null && <Notice tone="busy">{why}</Notice>}
            {way === 'password' && <ByPassword onSignedIn={enter} />}
            {way === 'password' && <SignOn />}
            {way === 'token' && <ByToken onSignedIn={onSignedIn} />}
            {problem !== null && way === 'password' && (
              <Notice tone="bad">
                Signing in elsewhere did not work ({problem.replaceAll('_', ' ').toLowerCase()}). Try again.
              </Notice>
            )}
            {way === 'invitation' && invitation !== null && (
              <Invitation code={invitation} onSignedIn={onSignedIn} onOther={() => setWay('password')} />
            )}
            {way === 'once' && <Once onSignedIn={onSignedIn} onFailed={() => setWay('password')} />}
          </div>
        </div>
        {way !== 'once' && way !== 'invitation' && (
          <p className="other">
            <button type="button" className="link" onClick={() => setWay(way === 'token' ? 'password' : 'token')}>
              {way === 'token' ? 'Sign in with e-mail and password' : 'Use an API token instead'}
            </button>
          </p>
        )}
      </main>
    </div>
  )
}

type WayProps = { onSignedIn: (session: Session) => void }

function ByPassword({ onSignedIn }: { onSignedIn: (session: Session) => Promise<void> }) {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [totp, setTotp] = useState('')
  const [wantsCode, setWantsCode] = useState(false)
  const action = useAction(async () => {
    try {
      await onSignedIn(await signInByPassword(email.trim(), password, totp.trim()))
    } catch (error) {
      if (error instanceof ApiError && /TOTP|SECOND/i.test(error.code)) setWantsCode(true)
      throw error
    }
  })
  return (
    <Form submit="Sign in" kind="primary" action={action}>
      <EmailField label="E-mail" name="email" autoComplete="username" autoFocus value={email} onChange={setEmail} />
      <PasswordField label="Password" kind="current" name="password" required value={password} onChange={setPassword} />
      {wantsCode ? (
        <CodeField label="Code from your authenticator" name="totp" autoFocus value={totp} onChange={setTotp} />
      ) : (
        <button type="button" className="link small" onClick={() => setWantsCode(true)}>
          I have a code from an authenticator
        </button>
      )}
    </Form>
  )
}

/** Single sign-on, where the operator has set it up. */
function SignOn() {
  const [way, setWay] = useState<{ name: string; url: string } | null>(null)
  useEffect(() => void findSignOn().then(setWay), [])
  return way === null || !/^(https?:\/)?\//.test(way.url) ? null : (
    <a className="button" href={way.url}>
      Sign in with {way.name}
    </a>
  )
}

function ByToken({ onSignedIn }: WayProps) {
  const [token, setToken] = useState('')
  const action = useAction(async () => onSignedIn(await signInByToken(token.trim())))
  return (
    <Form submit="Sign in" kind="primary" action={action}>
      <TextField
        label="API token"
        hint="It stays in this page’s memory and is gone when you reload."
        mono
        type="password"
        autoComplete="off"
        required
        autoFocus
        value={token}
        onChange={setToken}
      />
    </Form>
  )
}

/** For a session that began without it, by single sign-on or a link. */
export function SecondFactor({ onSignedIn }: WayProps) {
  const [code, setCode] = useState('')
  const action = useAction(async () => onSignedIn(await showSecondFactor(code.trim())))
  return (
    <div className="sign-in">
      <main>
        <div className="brand">
          <Brand />
          Berth
        </div>
        <div className="card">
          <h1>Second factor</h1>
          <Form submit="Go on" kind="primary" action={action}>
            <CodeField label="Code from your authenticator" required autoFocus value={code} onChange={setCode} />
          </Form>
        </div>
      </main>
    </div>
  )
}

/** The code leaves the address at once, so that it is in no history. */
function Once({ onSignedIn, onFailed }: WayProps & { onFailed: () => void }) {
  const code = useRef(inUrl('once'))
  const [error, setError] = useState<string | null>(null)
  useEffect(() => {
    const value = code.current
    if (value === null) return
    code.current = null
    history.replaceState(null, '', '/')
    signInOnce(value).then(onSignedIn, (thrown: unknown) =>
      setError(thrown instanceof Error ? thrown.message : String(thrown)),
    )
  }, [onSignedIn])
  if (error === null) return <p className="quiet">Signing you in…</p>
  return (
    <>
      <Notice tone="bad">{error}</Notice>
      <Button onClick={onFailed}>Sign in another way</Button>
    </>
  )
}

const inUrl = (name: string): string | null =>
  location.pathname === '/login' ? new URLSearchParams(location.search).get(name) : null
