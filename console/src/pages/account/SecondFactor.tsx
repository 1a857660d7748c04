/** A second factor: codes of an authenticator app, which is given its key by a QR code or by hand. */
import { useState } from 'react'
import type { RecoveryCodesView, TotpBegun } from '../../../../core/contract/identity.ts'
import { useAction } from '../../api/actions.ts'
import { call } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { sessionChanged } from '../../api/session.ts'
import { Button } from '../../ui/Button.tsx'
import { DialogForm, Modal } from '../../ui/Dialogs.tsx'
import { CodeField } from '../../ui/fields.tsx'
import { Form } from '../../ui/Form.tsx'
import { Card, CopyLine, Notice, Status } from '../../ui/parts.tsx'
import { QrCode } from '../../ui/QrCode.tsx'
import { say } from '../../ui/toasts.tsx'

export function SecondFactor({ isOn }: { isOn: boolean }) {
  const [begun, setBegun] = useState<TotpBegun | null>(null)
  const [recovery, setRecovery] = useState<string[] | null>(null)
  const confirmed = (codes: string[]): void => {
    setRecovery(codes)
    sessionChanged()
  }
  return (
    <Card title="Second factor">
      {recovery ? (
        <div className="stack">
          <Notice tone="good">It is on. Keep these codes: each signs you in once, without your authenticator.</Notice>
          <CopyLine text={recovery.join(' ')} what="the recovery codes" />
        </div>
      ) : isOn ? (
        <IsOn />
      ) : begun ? (
        <Confirm begun={begun} onDone={confirmed} />
      ) : (
        <Begin onBegun={setBegun} />
      )}
    </Card>
  )
}

function Begin({ onBegun }: { onBegun: (begun: TotpBegun) => void }) {
  const action = useAction(async () => onBegun(await call<TotpBegun>('POST', '/v1/account/totp')))
  return (
    <Form action={action} submit="Set it up">
      <p className="quiet">A code from an authenticator app, asked for beside your password. Operators need one.</p>
    </Form>
  )
}

function Confirm({ begun: { secret, uri }, onDone }: { begun: TotpBegun; onDone: (codes: string[]) => void }) {
  const [code, setCode] = useState('')
  const action = useAction(async () => {
    const body = { code: code.trim() }
    onDone((await call<RecoveryCodesView>('POST', '/v1/account/totp/confirm', { body })).recoveryCodes)
  })
  return (
    <Form action={action} submit="Turn it on" kind="primary">
      <div className="enrol">
        <QrCode text={uri} label="The key, as a QR code for your authenticator app" />
        <div className="stack tight">
          <p>Scan this with your authenticator app, then type the code that it shows.</p>
          <p className="small quiet">It cannot scan? Give it this key:</p>
          <CopyLine text={secret} what="the key" />
        </div>
      </div>
      <CodeField label="Code" required autoFocus value={code} onChange={setCode} />
    </Form>
  )
}

function IsOn() {
  const [ending, setEnding] = useState(false)
  const [code, setCode] = useState('')
  const end = useAction(async () => {
    await call('POST', '/v1/account/totp/disable', { body: { code: code.trim() } })
    await refresh('/v1/account')
    sessionChanged()
    say('Your second factor is off. Your other sessions have ended.')
  })
  return (
    <div className="stack">
      <Status word={{ text: 'On', tone: 'good' }} />
      <p className="quiet">A code from your authenticator app is asked for beside your password.</p>
      <div>
        <Button onClick={() => setEnding(true)}>Turn it off</Button>
      </div>
      {ending && (
        <Modal
          open
          onClose={() => setEnding(false)}
          title="Turn your second factor off?"
          said="Your password alone signs you in then, and your other sessions end. An operator may not operate without one."
        >
          <DialogForm action={end} submit="Turn it off" onCancel={() => setEnding(false)}>
            <CodeField label="Code from your authenticator" required autoFocus value={code} onChange={setCode} />
          </DialogForm>
        </Modal>
      )}
    </div>
  )
}
