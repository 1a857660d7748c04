/** Every page and its address. Each is a file of its own, which the browser gets when somebody first goes there. */
import { lazy, type ComponentType, type LazyExoticComponent } from 'react'

type Page = LazyExoticComponent<ComponentType<{ params: Record<string, string> }>>
export type PageRoute = { path: string; page: Page; operators?: true }

const page = <Name extends string>(
  load: () => Promise<Record<Name, ComponentType<{ params: Record<string, string> }>>>,
  name: Name,
): Page => lazy(async () => ({ default: (await load())[name] }))

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
  { path: '/plans', page: page(() => import('../pages/platform/Plans.tsx'), 'Plans'), operators: true },
  { path: '/stacks', page: page(() => import('../pages/platform/Stacks.tsx'), 'Stacks'), operators: true },
  { path: '/audit', page: page(() => import('../pages/platform/Audit.tsx'), 'Audit') },
  { path: '/settings', page: page(() => import('../pages/settings/Settings.tsx'), 'Settings') },
]
