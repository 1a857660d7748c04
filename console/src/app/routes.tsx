/** Every page and its address. Each is a file of its own, which the browser gets when somebody first goes there. */
import { lazy, type ComponentType, type LazyExoticComponent } from 'react'
import { fetchAgain } from './fetch-again.ts'

type Params = { params: Record<string, string> }
type Page = { Component: LazyExoticComponent<ComponentType<Params>>; load: () => Promise<unknown> }
export type PageRoute = { path: string; page: Page; operators?: true }

const page = <Name extends string>(load: () => Promise<Record<Name, ComponentType<Params>>>, name: Name): Page => ({
  load,
  Component: lazy(async () => ({ default: (await fetchAgain(load))[name] })),
})

const app = page(() => import('../pages/app/AppPage.tsx'), 'AppPage')

export const pages: PageRoute[] = [
  { path: '/', page: page(() => import('../pages/overview/Overview.tsx'), 'Overview') },
  { path: '/apps', page: page(() => import('../pages/apps/Apps.tsx'), 'Apps') },
  { path: '/apps/new', page: page(() => import('../pages/apps/FirstApp.tsx'), 'NewApp') },
  {
    path: '/apps/:app/deploys/:deploy',
    page: page(() => import('../pages/deploy/DeployPage.tsx'), 'DeployPage'),
  },
  { path: '/apps/:app', page: app },
  { path: '/apps/:app/:tab', page: app },
  { path: '/hosts', page: page(() => import('../pages/hosts/Hosts.tsx'), 'Hosts'), operators: true },
  { path: '/hosts/:host', page: page(() => import('../pages/hosts/HostPage.tsx'), 'HostPage'), operators: true },
  { path: '/tenants', page: page(() => import('../pages/tenants/Tenants.tsx'), 'Tenants') },
  { path: '/tenants/:tenant', page: page(() => import('../pages/tenants/TenantPage.tsx'), 'TenantPage') },
  { path: '/people', page: page(() => import('../pages/people/People.tsx'), 'People'), operators: true },
  { path: '/plans', page: page(() => import('../pages/platform/Plans.tsx'), 'Plans'), operators: true },
  { path: '/stacks', page: page(() => import('../pages/platform/Stacks.tsx'), 'Stacks'), operators: true },
  {
    path: '/webhooks',
    page: page(() => import('../pages/webhooks/WebhooksPage.tsx'), 'WebhooksPage'),
    operators: true,
  },
  { path: '/audit', page: page(() => import('../pages/platform/Audit.tsx'), 'Audit') },
  { path: '/account', page: page(() => import('../pages/account/AccountPage.tsx'), 'AccountPage') },
  { path: '/settings', page: page(() => import('../pages/settings/Settings.tsx'), 'Settings') },
]

/** Fetches the page at this address while it is still found out who asks. */
export function preload(path: string): void {
  const depth = path.split('/').length
  const found = pages.find((route) => matches(route.path, path) && route.path.split('/').length === depth)
  found?.page.load().catch(() => {
    // It is asked for again when it is shown, and then an error is told.
  })
}

const matches = (route: string, path: string): boolean => {
  const parts = path.split('/')
  return route.split('/').every((part, index) => part.startsWith(':') || part === parts[index])
}
