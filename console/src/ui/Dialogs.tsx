/** Questions that the page asks. What cannot be taken back names its effect and wants a name typed. */
import { useState, type ReactNode } from 'react'
import { AlertDialog } from '@base-ui/react/alert-dialog'
import { Dialog } from '@base-ui/react/dialog'
import { useAction, type Action } from '../api/actions.ts'
import { Button } from './Button.tsx'
import { FormFrame } from './Form.tsx'
import { TextField } from './fields.tsx'
import { Notice } from './parts.tsx'

type ModalProps = {
  open: boolean
  onClose: () => void
  title: string
  said?: ReactNode
  wide?: boolean
  children: ReactNode
}

export function Modal({ open, onClose, title, said, wide = false, children }: ModalProps) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className={`dialog ${wide ? 'wide' : ''}`}>
          <Dialog.Title render={<h2>{title}</h2>} />
          {said !== undefined && <Dialog.Description className="said">{said}</Dialog.Description>}
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

type DialogFormProps = {
  action: Pick<Action<[]>, 'run' | 'busy' | 'error'>
  submit: string
  onCancel: () => void
  /** A third way out, apart from the two. */
  also?: ReactNode
  children: ReactNode
}

/** What a dialog asks for, what went wrong, and the two ways out. */
export const DialogForm = ({ action, submit, onCancel, also, children }: DialogFormProps) => (
  <FormFrame
    action={action}
    buttons={
      <div className="buttons">
        {also && <span className="grow">{also}</span>}
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" kind="primary" busy={action.busy}>
          {submit}
        </Button>
      </div>
    }
  >
    {children}
  </FormFrame>
)

type ConfirmProps = {
  open: boolean
  onClose: () => void
  title: string
  /** What will be different afterwards. */
  effect: ReactNode
  /** What is to be typed; left out where the step can be taken back. */
  name?: string
  /** What else is asked, and whether that is answered. */
  asks?: { fields: ReactNode; isAnswered: boolean }
  verb: string
  work: () => Promise<unknown>
  onDone?: () => void
}

export function Confirm({ open, onClose, title, effect, name, asks, verb, work, onDone }: ConfirmProps) {
  const [typed, setTyped] = useState('')
  const action = useAction(work)
  const isReady = (name === undefined || typed === name) && (asks?.isAnswered ?? true)
  const close = (): void => {
    setTyped('')
    action.clear()
    onClose()
  }
  const submit = async (): Promise<void> => {
    if (!isReady || !(await action.run())) return
    close()
    onDone?.()
  }
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && close()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title render={<h2>{title}</h2>} />
          <AlertDialog.Description className="said" render={<div />}>
            {effect}
          </AlertDialog.Description>
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault()
              void submit()
            }}
          >
            {asks?.fields}
            {name !== undefined && (
              <TextField
                label={
                  <>
                    Type <code className="strong">{name}</code> to confirm
                  </>
                }
                mono
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                value={typed}
                onChange={setTyped}
              />
            )}
            {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
            <div className="buttons">
              <Button onClick={close}>Cancel</Button>
              <Button
                type="submit"
                kind={name === undefined ? 'primary' : 'danger solid'}
                busy={action.busy}
                disabled={!isReady}
              >
                {verb}
              </Button>
            </div>
          </form>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}

type AskButtonProps = Omit<ConfirmProps, 'open' | 'onClose'> & {
  label: string
  why?: string | null
  kind?: 'primary' | 'danger' | 'plain'
  size?: 'small'
}

/** A button with its question. */
export function AskButton({ label, why, kind, size, ...question }: AskButtonProps) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button
        {...(kind ? { kind } : {})}
        {...(size ? { size } : {})}
        {...(why === undefined ? {} : { why })}
        onClick={() => setOpen(true)}
      >
        {label}
      </Button>
      <Confirm {...question} open={open} onClose={() => setOpen(false)} />
    </>
  )
}
