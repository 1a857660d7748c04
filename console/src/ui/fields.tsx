/** What forms ask for: a label, and what one types or chooses. */
import { useId, type ComponentProps, type ReactNode } from 'react'

type FieldProps = { label: ReactNode; hint?: ReactNode; children: (id: string) => ReactNode }

export function Field({ label, hint, children }: FieldProps) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
      {hint !== undefined && <span className="hint">{hint}</span>}
    </div>
  )
}

type Typed = { label: ReactNode; hint?: ReactNode; value: string; onChange: (value: string) => void }
type TextFieldProps = Typed & { mono?: boolean } & Omit<
    ComponentProps<'input'>,
    'id' | 'className' | 'value' | 'onChange'
  >

export const TextField = ({ label, hint, value, onChange, mono = false, ...rest }: TextFieldProps) => (
  <Field label={label} hint={hint}>
    {(id) => (
      <input
        id={id}
        className={mono ? 'input mono' : 'input'}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        {...rest}
      />
    )}
  </Field>
)

/** The name of something, as the command line takes it: nothing completes or corrects it. */
export const NameField = (props: TextFieldProps) => (
  <TextField mono maxLength={30} autoComplete="off" autoCapitalize="off" spellCheck={false} {...props} />
)

export const EmailField = (props: TextFieldProps) => <TextField type="email" required {...props} />

type PasswordProps = TextFieldProps & { kind: 'current' | 'new' }

export const PasswordField = ({ kind, ...props }: PasswordProps) => (
  <TextField type="password" autoComplete={`${kind}-password`} {...props} />
)

/** Six digits, or one of the longer codes for whoever lost their authenticator. */
export const CodeField = (props: TextFieldProps) => (
  <TextField mono inputMode="numeric" autoComplete="one-time-code" maxLength={40} {...props} />
)

type AreaProps = Typed & Omit<ComponentProps<'textarea'>, 'id' | 'className' | 'value' | 'onChange'>

export const AreaField = ({ label, hint, value, onChange, ...rest }: AreaProps) => (
  <Field label={label} hint={hint}>
    {(id) => (
      <textarea
        id={id}
        className="input mono"
        rows={4}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        {...rest}
      />
    )}
  </Field>
)

type SelectProps<T extends string> = {
  label: ReactNode
  hint?: ReactNode
  value: T
  onChange: (value: T) => void
  options: readonly (T | readonly [value: T, text: string])[]
}

export const SelectField = <T extends string>({ label, hint, value, onChange, options }: SelectProps<T>) => (
  <Field label={label} hint={hint}>
    {(id) => (
      <select id={id} className="input" value={value} onChange={(event) => onChange(event.target.value as T)}>
        {options.map((option) => {
          const [of, text] = typeof option === 'string' ? [option, option] : option
          return (
            <option key={of} value={of}>
              {text}
            </option>
          )
        })}
      </select>
    )}
  </Field>
)
