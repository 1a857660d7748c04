/** The console's own few icons: 16 px, one stroke. */
import type { ReactNode } from 'react'

const paths = {
  overview: (
    <>
      <rect x="2" y="2" width="5" height="6" rx="1" />
      <rect x="9" y="2" width="5" height="3.5" rx="1" />
      <rect x="2" y="10.5" width="5" height="3.5" rx="1" />
      <rect x="9" y="8" width="5" height="6" rx="1" />
    </>
  ),
  apps: <path d="M8 1.8 13.5 5v6L8 14.2 2.5 11V5zM2.7 5 8 8.1 13.3 5M8 8.1V14" />,
  hosts: (
    <>
      <rect x="2" y="2.5" width="12" height="4.5" rx="1.2" />
      <rect x="2" y="9" width="12" height="4.5" rx="1.2" />
      <path d="M4.7 4.8h.01M4.7 11.3h.01" />
    </>
  ),
  tenants: <path d="M2 14V5.5L8 2l6 3.5V14M5 14v-3.5h6V14M5.5 7.2h.01M8 7.2h.01M10.5 7.2h.01" />,
  people: (
    <>
      <circle cx="6" cy="5.3" r="2.5" />
      <path d="M1.5 13.5c0-2.6 2-4.2 4.5-4.2s4.5 1.6 4.5 4.2M10.6 3a2.4 2.4 0 0 1 0 4.6M12.2 9.8c1.4.5 2.3 1.8 2.3 3.7" />
    </>
  ),
  plans: <path d="M2.5 12.5V9M6.2 12.5V6M9.8 12.5V7.5M13.5 12.5v-9" />,
  stacks: <path d="m8 2 6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3" />,
  webhooks: <path d="M2 8h8.5M7.3 4.8 10.5 8l-3.2 3.2M13.5 3v10" />,
  account: (
    <>
      <circle cx="8" cy="5.3" r="2.7" />
      <path d="M2.8 13.8c.3-2.8 2.4-4.3 5.2-4.3s4.9 1.5 5.2 4.3" />
    </>
  ),
  audit: <path d="M4 2h8v12l-2-1.3L8 14l-2-1.3L4 14zM6 5.5h4M6 8.5h4" />,
  settings: (
    <path d="M2 4.5h6M11.5 4.5H14M2 11.5h2.5M8 11.5h6M8 4.5a1.75 1.75 0 1 0 3.5 0 1.75 1.75 0 1 0-3.5 0M4.5 11.5a1.75 1.75 0 1 0 3.5 0 1.75 1.75 0 1 0-3.5 0" />
  ),
  search: <path d="M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.3 10.3 13.8 13.8" />,
  menu: <path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.2" />,
  copy: (
    <>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
      <path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2" />
    </>
  ),
  check: <path d="m3 8.5 3.2 3.2L13 5" />,
  external: <path d="M6.5 3.5h-3v9h9v-3M9 2.5h4.5V7M13.2 2.8 7.5 8.5" />,
  play: <path d="M5 3.2v9.6l7.5-4.8z" />,
  pause: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  eye: (
    <>
      <path d="M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8" />
      <circle cx="8" cy="8" r="1.8" />
    </>
  ),
  hidden: (
    <path d="m2.5 2.5 11 11M6.3 4.1A6 6 0 0 1 8 3.8c4 0 6.5 4.2 6.5 4.2a11 11 0 0 1-1.8 2.2M4.3 5.2A11 11 0 0 0 1.5 8S4 12.2 8 12.2a6 6 0 0 0 3-.8" />
  ),
  edit: <path d="m10.5 3 2.5 2.5L5.5 13H3v-2.5z" />,
  trash: <path d="M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5" />,
  right: <path d="m6 3.5 4.5 4.5L6 12.5" />,
  down: <path d="m4 6 4 4 4-4" />,
  alert: <path d="M8 2.2 14.3 13H1.7zM8 6.5v3M8 11.3h.01" />,
  sun: (
    <path d="M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9" />
  ),
  moon: <path d="M13.3 9.6A5.8 5.8 0 1 1 6.4 2.7a4.6 4.6 0 0 0 6.9 6.9" />,
  plus: <path d="M8 3v10M3 8h10" />,
  minus: <path d="M3 8h10" />,
  rollback: <path d="M6 3 2.8 6.2 6 9.4M3 6.2h6.2a3.6 3.6 0 0 1 0 7.2H6" />,
  deploy: <path d="M8 10.5v-8M4.8 5.5 8 2.3l3.2 3.2M2.5 10.5v3h11v-3" />,
  exit: <path d="M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3" />,
} satisfies Record<string, ReactNode>

export type IconName = keyof typeof paths

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {paths[name]}
    </svg>
  )
}

export const Brand = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <rect width="24" height="24" rx="6" fill="var(--accent-solid)" />
    <path d="M4.5 14.2h15l-2.4 4.3H6.9z" fill="#fff" />
    <path d="M11.2 4.5v8h-5z M12.8 6.8v5.7h4.4z" fill="#fff" />
  </svg>
)
