import type { Rate } from './bucket.ts'
import type { TenantId } from './ids.ts'

/** Requests that all of a tenant's apps together may take. */
export type RequestRate = Rate

export type Tenant = { id: TenantId; createdAt: number; requestRate: RequestRate }

/** Generous, but finite: no tenant can use a router up by accident. */
export const defaultRequestRate: RequestRate = { perSecond: 1000, burst: 2000 }
export const DEFAULT_TENANT = 'default' as TenantId
