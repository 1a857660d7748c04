/** A button that says why it cannot be used, where it cannot. */
import type { ReactElement, ReactNode } from 'react'
import { Tooltip } from '@base-ui/react/tooltip'
import { Icon, type IconName } from './Icon.tsx'

export type ButtonProps = {
  children?: ReactNode
  icon?: IconName
  kind?: 'primary' | 'danger' | 'danger solid' | 'plain'
  size?: 'small'
  type?: 'button' | 'submit'
  /** For a button that is an icon alone. */
  label?: string
  busy?: boolean
  disabled?: boolean
  /** Why it is not for this person, or not now: the button stays reachable, so that this can be read. */
  why?: string | null
  onClick?: () => void
}

export function Button({
  children,
  icon,
  kind,
  size,
  type = 'button',
  label,
  busy,
  disabled,
  why,
  onClick,
}: ButtonProps) {
  const isIcon = children === undefined
  const classes = ['button', kind, size, isIcon && 'icon'].filter(Boolean).join(' ')
  const button = (
    <button
      type={type}
      className={classes}
      aria-label={label}
      aria-disabled={why || busy ? true : undefined}
      disabled={disabled}
      onClick={(event) => {
        if (why || busy) event.preventDefault()
        else onClick?.()
      }}
    >
      {busy ? <span className="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </button>
  )
  const tip = why ?? (isIcon ? label : undefined)
  return tip ? <Tip text={tip}>{button}</Tip> : button
}

export const Tip = ({ text, children }: { text: string; children: ReactElement }) => (
  <Tooltip.Root>
    <Tooltip.Trigger render={children} />
    <Tooltip.Portal>
      <Tooltip.Positioner className="tip-positioner" sideOffset={6}>
        <Tooltip.Popup className="tip">{text}</Tooltip.Popup>
      </Tooltip.Positioner>
    </Tooltip.Portal>
  </Tooltip.Root>
)
