import { useEffect, useState } from 'react'
import type { WhoamiView } from '../../core/contract/api.ts'
import { ApiError, whoami } from './api.ts'
import { Apps } from './Apps.tsx'
import { Hosts } from './Hosts.tsx'
import { useSnapshots } from './use-snapshots.ts'

type Props = { token: string; onSignOut: (reason?: string) => void }

/** Finds out whose token it is, and shows what that one may see. */
export function Dashboard({ token, onSignOut }: Props) {
  const [who, setWho] = useState<WhoamiView | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const [round, setRound] = useState(0)

  useEffect(() => {
    const left = new AbortController()
    whoami(token, left.signal).then(setWho, (cause: unknown) => {
      if (left.signal.aborted) return
      const refused = cause instanceof ApiError ? cause : new ApiError(0, 'The API does not answer.')
      if (refused.status === 401) onSignOut(refused.message)
      else setError(refused)
    })
    return () => left.abort()
  }, [token, round, onSignOut])

  const retry = () => {
    setError(null)
    setRound(round + 1)
  }

  return (
    <>
      <header>
        <h1>Berth</h1>
        <p className="quiet">
          {who === null ? '' : `${who.actor}${who.tenant === null ? '' : `, tenant ${who.tenant}`}`}
        </p>
        <button type="button" className="plain" onClick={() => onSignOut()}>
          Sign out
        </button>
      </header>
      <main>
        {error === null ? null : <ErrorBanner error={error} onRetry={retry} />}
        {who === null ? <p className="quiet">Loading…</p> : <Live token={token} who={who} onSignOut={onSignOut} />}
      </main>
    </>
  )
}

function Live({ token, who, onSignOut }: Props & { who: WhoamiView }) {
  const { snapshot, history, error, retry } = useSnapshots(token, who.operator)
  useEffect(() => {
    if (error?.status === 401) onSignOut(error.message)
  }, [error, onSignOut])

  return (
    <>
      {error === null ? null : (
        <ErrorBanner error={error} onRetry={retry} {...(snapshot === null ? {} : { lastAt: snapshot.at })} />
      )}
      {snapshot === null ? (
        <p className="quiet">{error === null ? 'Loading…' : ''}</p>
      ) : (
        <>
          {snapshot.hosts === null ? null : <Hosts hosts={snapshot.hosts} />}
          <Apps snapshot={snapshot} history={history} />
        </>
      )}
    </>
  )
}

/** @param lastAt when the data that is shown was read, in ms since 1970 */
function ErrorBanner({ error, onRetry, lastAt }: { error: ApiError; onRetry: () => void; lastAt?: number }) {
  return (
    <div role="alert" className="banner">
      <p>
        {error.message}
        {lastAt === undefined ? '' : ` What you see is from ${new Date(lastAt).toLocaleTimeString()}.`}
      </p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  )
}
