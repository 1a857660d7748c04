import { useState, type FormEvent } from 'react'
import { whoami } from './api.ts'

type Props = { notice: string | null; onAccepted: (token: string) => void }

/** The token is kept only after the API has accepted it. */
export function SignIn({ notice, onAccepted }: Props) {
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState(notice)

  const submit = async () => {
    setBusy(true)
    setError(null)
    try {
      await whoami(token.trim())
      onAccepted(token.trim())
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause))
      setBusy(false)
    }
  }
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    void submit()
  }

  return (
    <main className="sign-in">
      <h1>Berth</h1>
      <form onSubmit={onSubmit}>
        <label htmlFor="token">API token</label>
        <input
          id="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          autoFocus
          aria-describedby="token-help"
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
        <p id="token-help" className="quiet">
          The first operator’s token is in the file <code>operator-token</code> of Berth’s data folder. This tab forgets
          it when it is closed.
        </p>
        <button type="submit" disabled={busy || token.trim() === ''}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      <p role="alert" className={error === null ? '' : 'banner'}>
        {error}
      </p>
    </main>
  )
}
