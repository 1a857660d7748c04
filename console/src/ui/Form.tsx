/** A form on a page: its fields, what went wrong, and its button. (Those of dialogs: Dialogs.tsx.) */
import type { ReactNode } from 'react'
import type { Action } from '../api/actions.ts'
import { Button } from './Button.tsx'
import { Notice } from './parts.tsx'

type FrameProps = { action: Pick<Action<[]>, 'run' | 'error'>; buttons: ReactNode; children?: ReactNode }

/** What every form has: its fields, what went wrong, and its buttons. */
export const FormFrame = ({ action, buttons, children }: FrameProps) => (
  <form
    className="stack"
    onSubmit={(event) => {
      event.preventDefault()
      void action.run()
    }}
  >
    {children}
    {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
    {buttons}
  </form>
)

type FormProps = {
  action: Pick<Action<[]>, 'run' | 'busy' | 'error'>
  submit: string
  kind?: 'primary'
  why?: string | null
  children?: ReactNode
}

export const Form = ({ action, submit, kind, why = null, children }: FormProps) => (
  <FormFrame
    action={action}
    buttons={
      <div className="submit">
        <Button type="submit" {...(kind ? { kind } : {})} busy={action.busy} why={why}>
          {submit}
        </Button>
      </div>
    }
  >
    {children}
  </FormFrame>
)
