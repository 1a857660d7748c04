/** A dialog that makes something whose secret is shown once: first what it asks for, then the secret. */
import { useState, type ReactNode } from 'react'
import { useAction } from '../api/actions.ts'
import { DialogForm, Modal } from './Dialogs.tsx'
import { ShownOnce } from './ShownOnce.tsx'

/** @property make answers with the secret. @property told what to do with it. @property what it is, for whoever copies it */
type Props = {
  title: string
  said?: string
  submit: string
  make: () => Promise<string>
  told: string
  what: string
  onClose: () => void
  children: ReactNode
}

export function MakeOnce({ title, said, submit, make, told, what, onClose, children }: Props) {
  const [secret, setSecret] = useState<string | null>(null)
  const action = useAction(async () => setSecret(await make()))
  return (
    <Modal open onClose={onClose} title={title} {...(said === undefined ? {} : { said })}>
      {secret === null ? (
        <DialogForm action={action} submit={submit} onCancel={onClose}>
          {children}
        </DialogForm>
      ) : (
        <ShownOnce text={told} secret={secret} what={what} onClose={onClose} />
      )}
    </Modal>
  )
}
