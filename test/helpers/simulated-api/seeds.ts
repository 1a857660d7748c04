/** The names and sizes of a place that one may look at. */
import type { PlanView } from '#core/contract/api.ts'
import { defaultCaps, defaultPlan } from '#core/domain/quota.ts'

export type AppSeed = {
  name: string
  tenant: string
  web: number
  worker?: number
  release?: number
  memoryMb?: number
  requestsPerSecond: number
  language: 'Node.js' | 'Python' | 'Go'
}

export const hostNames = ['ams-1', 'ams-2', 'fra-1', 'fra-2', 'fra-3', 'hel-1', 'hel-2', 'zrh-1']
export const people = [
  'ana@northwind.example',
  'jonas@northwind.example',
  'mei@kestrel.example',
  'sam@lighthouse.example',
]

export const tenantSeeds = [
  { id: 'northwind', plan: 'business' },
  { id: 'kestrel', plan: 'business' },
  { id: 'lighthouse', plan: 'team' },
  { id: 'harbour-labs', plan: 'team' },
  { id: 'tidewater', plan: 'starter' },
  { id: 'saltmarsh', plan: 'starter' },
]

const plan = (name: string, memoryMb: number, cpuMilli: number, instances: number, apps: number): PlanView => ({
  ...defaultPlan,
  name: name,
  memoryMb,
  cpuMilli,
  diskMb: memoryMb * 6,
  instances,
  apps,
  instanceMemoryMb: Math.min(8192, memoryMb / 2),
  requestRate: { perSecond: apps * 100, burst: apps * 200 },
  traffic: defaultCaps,
  budget: { cpuSeconds: cpuMilli * 900, egressBytes: memoryMb * 1024 ** 2 * 40, requests: null },
})

export const planSeeds: PlanView[] = [
  defaultPlan,
  plan('starter', 4096, 4000, 12, 5),
  plan('team', 12_288, 16_000, 60, 20),
  plan('business', 32_768, 64_000, 200, 60),
]

export const appSeeds: AppSeed[] = [
  {
    name: 'shop',
    tenant: 'northwind',
    web: 6,
    worker: 2,
    memoryMb: 512,
    release: 48,
    requestsPerSecond: 412,
    language: 'Node.js',
  },
  {
    name: 'checkout',
    tenant: 'northwind',
    web: 4,
    worker: 1,
    memoryMb: 512,
    release: 31,
    requestsPerSecond: 96.4,
    language: 'Go',
  },
  {
    name: 'catalogue',
    tenant: 'northwind',
    web: 5,
    memoryMb: 1024,
    release: 22,
    requestsPerSecond: 233,
    language: 'Python',
  },
  {
    name: 'receipts',
    tenant: 'northwind',
    web: 2,
    worker: 3,
    release: 14,
    requestsPerSecond: 11.2,
    language: 'Node.js',
  },
  {
    name: 'flights',
    tenant: 'kestrel',
    web: 8,
    worker: 2,
    memoryMb: 1024,
    release: 117,
    requestsPerSecond: 620,
    language: 'Go',
  },
  { name: 'seat-map', tenant: 'kestrel', web: 3, release: 9, requestsPerSecond: 54, language: 'Node.js' },
  {
    name: 'fares',
    tenant: 'kestrel',
    web: 4,
    worker: 4,
    memoryMb: 1024,
    release: 63,
    requestsPerSecond: 188,
    language: 'Python',
  },
  {
    name: 'docs',
    tenant: 'lighthouse',
    web: 2,
    memoryMb: 128,
    release: 77,
    requestsPerSecond: 38,
    language: 'Node.js',
  },
  {
    name: 'status-page',
    tenant: 'lighthouse',
    web: 2,
    memoryMb: 128,
    release: 12,
    requestsPerSecond: 4.6,
    language: 'Go',
  },
  {
    name: 'beacon-api',
    tenant: 'lighthouse',
    web: 6,
    worker: 2,
    memoryMb: 1024,
    release: 40,
    requestsPerSecond: 145,
    language: 'Node.js',
  },
  { name: 'sandbox', tenant: 'harbour-labs', web: 1, release: 3, requestsPerSecond: 0, language: 'Python' },
  {
    name: 'tide-tables',
    tenant: 'harbour-labs',
    web: 3,
    memoryMb: 512,
    release: 18,
    requestsPerSecond: 27,
    language: 'Python',
  },
  {
    name: 'imports',
    tenant: 'harbour-labs',
    web: 1,
    worker: 5,
    memoryMb: 512,
    release: 26,
    requestsPerSecond: 0.8,
    language: 'Python',
  },
  {
    name: 'landing',
    tenant: 'tidewater',
    web: 2,
    memoryMb: 128,
    release: 5,
    requestsPerSecond: 9.1,
    language: 'Node.js',
  },
  {
    name: 'crm',
    tenant: 'tidewater',
    web: 3,
    worker: 2,
    memoryMb: 1024,
    release: 21,
    requestsPerSecond: 16.5,
    language: 'Python',
  },
  { name: 'blog', tenant: 'saltmarsh', web: 1, memoryMb: 256, release: 8, requestsPerSecond: 2.2, language: 'Node.js' },
]
