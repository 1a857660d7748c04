/** Whose webhooks and alerts are meant: an app's, a tenant's (--tenant) or the platform's (--platform). */
import type { Context, Options } from '../context.ts'
import { usage } from '../failures.ts'

/** `at`: where its things are below /v1, with the `names` in it; `name` is for sentences, `flags` for the next command. */
export type Owner = {
  at: '/apps/:app' | '/tenants/:tenant' | ''
  names: { app: string } | { tenant: string } | Record<never, never>
  name: string
  flags: string
}

/** The app is chosen like everywhere, unless another owner is named. */
export async function ownerOf(context: Context, options: Options): Promise<Owner> {
  const named = namedOwner(options)
  if (named) return named
  const app = await context.app(options)
  return { at: '/apps/:app', names: { app }, name: app, flags: `-a ${app}` }
}

/** @returns null when no tenant and no platform is named */
export function namedOwner({ app, remote, tenant, platform }: Options): Owner | null {
  const named = [app ?? remote, tenant, platform].filter((one) => one !== undefined && one !== false)
  if (named.length > 1) throw usage('Choose an app (-a), a tenant (--tenant) or --platform, not several.')
  if (platform) return { at: '', names: {}, name: 'the platform', flags: '--platform' }
  return tenant === undefined
    ? null
    : { at: '/tenants/:tenant', names: { tenant }, name: tenant, flags: `--tenant ${tenant}` }
}
