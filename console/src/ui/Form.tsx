/** A form on a page: its fields, what went wrong, and its button. (Those of dialogs: Dialogs.tsx.) */
import type { ReactNode } from 'react'
import type { Action } from '../api/actions.ts'
import { Button } from './Button.tsx'
import { Notice } from './parts.tsx'

type FormProps = {
  action: Pick<Action<[]>, 'run' | 'busy' | 'error'>
  submit: string
  kind?: 'primary'
  why?: string | null
  children?: ReactNode
}

export const Form = ({ action, submit, kind, why = null, children }: FormProps) => (
  <form
    className="stack"
    onSubmit={(event) => {
      event.preventDefault()
      void action.run()
    }}
  >
    {children}
    {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
    <div className="submit">
      <Button type="submit" {...(kind ? { kind } : {})} busy={action.busy} why={why}>
        {submit}
      </Button>
    </div>
  </form>
)
