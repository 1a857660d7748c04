/** Ctrl K or ⌘K: anything by its name. */
import { useEffect, useMemo, useRef, useState } from 'react'
import { Dialog } from '@base-ui/react/dialog'
import { useLocation } from 'wouter'
import { part } from '../api/client.ts'
import { useList } from '../api/lists.ts'
import { useSession } from '../api/session.ts'
import { useMany } from '../live/hooks.ts'
import { Icon, type IconName } from '../ui/Icon.tsx'
import { rank, type Target as Named } from './search.ts'

type Target = Named & { icon: IconName }

export type PaletteState = { isOpen: boolean; open: () => void; close: () => void }

export function usePalette(): PaletteState {
  const [isOpen, setOpen] = useState(false)
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey) return
      event.preventDefault()
      setOpen((before) => !before)
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
  return useMemo(() => ({ isOpen, open: () => setOpen(true), close: () => setOpen(false) }), [isOpen])
}

export const Palette = ({ state }: { state: PaletteState }) => (
  <Dialog.Root open={state.isOpen} onOpenChange={(open) => !open && state.close()}>
    <Dialog.Portal>
      <Dialog.Backdrop className="backdrop" />
      <Dialog.Popup className="dialog palette" aria-label="Search">
        <Search onDone={state.close} />
      </Dialog.Popup>
    </Dialog.Portal>
  </Dialog.Root>
)

function Search({ onDone }: { onDone: () => void }) {
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState(0)
  const [, go] = useLocation()
  const found = rank(useTargets(), text)
  const list = useRef<HTMLUListElement>(null)
  const at = Math.min(chosen, Math.max(0, found.length - 1))
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' })
  }, [at, text])
  const take = (target: Target | undefined): void => {
    if (!target) return
    onDone()
    go(target.href)
  }
  return (
    <>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[at] ? `found-${at}` : undefined}
        aria-label="Search apps, tenants, hosts and pages"
        placeholder="Search apps, tenants, hosts and pages"
        value={text}
        autoFocus
        onChange={(event) => {
          setText(event.target.value)
          setChosen(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') take(found[at])
          else if (event.key === 'ArrowDown') setChosen((at + 1) % Math.max(1, found.length))
          else if (event.key === 'ArrowUp') setChosen((at + found.length - 1) % Math.max(1, found.length))
          else return
          event.preventDefault()
        }}
      />
      <ul ref={list} id="palette-list" role="listbox" aria-label="What was found">
        {found.map((target, index) => (
          <li
            key={target.href}
            id={`found-${index}`}
            role="option"
            aria-selected={index === at}
            onPointerMove={() => setChosen(index)}
            onClick={() => take(target)}
          >
            <Icon name={target.icon} />
            <span className="clip grow">{target.name}</span>
            <span className="faint small">{target.what}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="empty">Nothing is called “{text}”.</p>}
    </>
  )
}

function useTargets(): Target[] {
  const session = useSession()
  const apps = useMany('apps', '*', 1000)
  const hosts = useMany('hosts', '*', 1000)
  const listed = useList<{ id: string }>(session.operator ? '/v1/tenants' : null, 'tenants', {
    all: true,
    optional: true,
  }).items
  return useMemo(() => {
    const tenants = listed?.map(({ id }) => id) ?? session.memberships.map(({ tenant }) => tenant)
    return [
      ...places.filter(({ operators }) => !operators || session.operator),
      ...apps.map(({ name, tenant }): Target => ({
        name,
        what: `App of ${tenant}`,
        href: `/apps/${part(name)}`,
        icon: 'apps',
      })),
      ...tenants.map((id): Target => ({ name: id, what: 'Tenant', href: `/tenants/${part(id)}`, icon: 'tenants' })),
      ...hosts.map(({ id, hostname }): Target => ({
        name: id,
        also: hostname,
        what: 'Host',
        href: `/hosts/${part(id)}`,
        icon: 'hosts',
      })),
    ]
  }, [apps, hosts, listed, session])
}

const places: (Target & { operators?: true })[] = [
  { name: 'Overview', what: 'Page', href: '/', icon: 'overview' },
  { name: 'Apps', what: 'Page', href: '/apps', icon: 'apps' },
  { name: 'New app', what: 'Page', href: '/apps/new', icon: 'plus' },
  { name: 'Hosts', what: 'Page', href: '/hosts', icon: 'hosts', operators: true },
  { name: 'Tenants', what: 'Page', href: '/tenants', icon: 'tenants' },
  { name: 'People', what: 'Page', href: '/people', icon: 'people', operators: true },
  { name: 'Plans', what: 'Page', href: '/plans', icon: 'plans', operators: true },
  { name: 'Stacks', what: 'Page', href: '/stacks', icon: 'stacks', operators: true },
  { name: 'Webhooks', also: 'Log drains', what: 'Page', href: '/webhooks', icon: 'webhooks', operators: true },
  { name: 'Audit log', what: 'Page', href: '/audit', icon: 'audit' },
  { name: 'Your account', also: 'Password', what: 'Page', href: '/account', icon: 'account' },
  { name: 'Settings', also: 'API tokens', what: 'Page', href: '/settings', icon: 'settings' },
]
