/** The password and the second factor of somebody who signed in as a person. */
import { useId, useState } from 'react'
import { useAction } from '../../api/actions.ts'
import { call } from '../../api/client.ts'
import { useSession } from '../../api/session.ts'
import { Button } from '../../ui/Button.tsx'
import { Card, CopyLine, Notice } from '../../ui/parts.tsx'
import { say } from '../../ui/toasts.tsx'

export function Account() {
  const { byToken, email } = useSession()
  if (byToken || email === null) return null
  return (
    <div className="columns two">
      <Password />
      <SecondFactor />
    </div>
  )
}

function Password() {
  const [currentId, nextId] = [useId(), useId()]
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const action = useAction(async () => {
    await call('POST', '/v1/account/password', { body: { ...(current === '' ? {} : { current }), password: next } })
    setCurrent('')
    setNext('')
    say('Your password is changed. Your other sessions have ended.')
  })
  return (
    <Card title="Password">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void action.run()
        }}
      >
        <div className="field">
          <label htmlFor={currentId}>Current password</label>
          <input
            id={currentId}
            className="input"
            type="password"
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor={nextId}>New password</label>
          <input
            id={nextId}
            className="input"
            type="password"
            autoComplete="new-password"
            required
            value={next}
            onChange={(event) => setNext(event.target.value)}
          />
        </div>
        {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
        <div>
          <Button type="submit" busy={action.busy}>
            Change password
          </Button>
        </div>
      </form>
    </Card>
  )
}

type Begun = { secret: string; uri: string }

function SecondFactor() {
  const id = useId()
  const [begun, setBegun] = useState<Begun | null>(null)
  const [code, setCode] = useState('')
  const [recovery, setRecovery] = useState<string[] | null>(null)
  const begin = useAction(async () => setBegun(await call<Begun>('POST', '/v1/account/totp')))
  const confirm = useAction(async () => {
    const answer = await call<{ recoveryCodes: string[] }>('POST', '/v1/account/totp/confirm', {
      body: { code: code.trim() },
    })
    setRecovery(answer.recoveryCodes)
  })
  if (recovery)
    return (
      <Card title="Second factor">
        <div className="stack">
          <Notice tone="good">It is on. Keep these codes: each signs you in once, without your authenticator.</Notice>
          <CopyLine text={recovery.join(' ')} what="the recovery codes" />
        </div>
      </Card>
    )
  return (
    <Card title="Second factor">
      {begun === null ? (
        <div className="stack">
          <p className="quiet">A code from an authenticator app, asked for beside your password. Operators need one.</p>
          {begin.error !== null && <Notice tone="bad">{begin.error}</Notice>}
          <div>
            <Button busy={begin.busy} onClick={() => void begin.run()}>
              Set it up
            </Button>
          </div>
        </div>
      ) : (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            void confirm.run()
          }}
        >
          <p className="quiet">Give this key to your authenticator app, then type the code that it shows.</p>
          <CopyLine text={begun.secret} what="the key" />
          <div className="field">
            <label htmlFor={id}>Code</label>
            <input
              id={id}
              className="input mono"
              inputMode="numeric"
              autoComplete="one-time-code"
              required
              value={code}
              onChange={(event) => setCode(event.target.value)}
            />
          </div>
          {confirm.error !== null && <Notice tone="bad">{confirm.error}</Notice>}
          <div>
            <Button type="submit" kind="primary" busy={confirm.busy}>
              Turn it on
            </Button>
          </div>
        </form>
      )}
    </Card>
  )
}
