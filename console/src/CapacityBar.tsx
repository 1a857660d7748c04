type Props = {
  name: string
  /** Null where nothing is known, as of a lost host. */
  used: number | null
  reserved: number
  capacity: number
  format: (value: number) => string
}

/**
 * What a host has of something: the pale part is reserved by instances, the dark part is used right now. CPU is
 * promised several times over, so the reserved part may be more than all; it ends at the bar's end then.
 */
export function CapacityBar({ name, used, reserved, capacity, format }: Props) {
  const share = (value: number) => (capacity > 0 ? Math.min(100, Math.max(0, (value / capacity) * 100)) : 0)
  const text = `${used === null ? '' : `${format(used)} used, `}${format(reserved)} reserved, of ${format(capacity)}`
  return (
    <div className="capacity">
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={`${name}: ${text}`}>
        <rect className="all" width="100" height="8" />
        <rect className="reserved" width={share(reserved)} height="8" />
        <rect className="used" y="2" width={share(used ?? 0)} height="4" />
      </svg>
      <span className="quiet" aria-hidden="true">
        {text}
      </span>
    </div>
  )
}
