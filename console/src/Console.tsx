/** Signed out: asks for a token. Signed in: the dashboard. The token lives as long as the browser's tab. */
import { useCallback, useState } from 'react'
import { Dashboard } from './Dashboard.tsx'
import { SignIn } from './SignIn.tsx'

const KEY = 'berth.token'

export function Console() {
  const [token, setToken] = useState(() => sessionStorage.getItem(KEY))
  const [notice, setNotice] = useState<string | null>(null)

  const signIn = useCallback((accepted: string) => {
    sessionStorage.setItem(KEY, accepted)
    setNotice(null)
    setToken(accepted)
  }, [])
  const signOut = useCallback((reason?: string) => {
    sessionStorage.removeItem(KEY)
    setNotice(reason ?? null)
    setToken(null)
  }, [])

  if (token === null) return <SignIn notice={notice} onAccepted={signIn} />
  return <Dashboard token={token} onSignOut={signOut} />
}
