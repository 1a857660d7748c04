/** What the controller tells Prometheus: what there is in the cluster, and how the API was used. */
import { instanceStates } from '#core/domain/instance.ts'
import type { Metric } from '#core/runtime/metrics.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { loadInstances } from '#core/store/instances.ts'
import { loadRouters } from '#core/store/routes.ts'
import { loadTenants } from '#core/store/tenants.ts'

/** Calls of the API since the controller started, by method and status. */
export class Calls {
  #calls = new Map<string, { method: string; status: string; count: number; seconds: number }>()

  /** Only methods that the API has become a label: a caller can invent others without end. */
  count(method: string, status: number, seconds: number): void {
    const known = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method) ? method : 'other'
    const key = `${known} ${status}`
    const call = this.#calls.get(key) ?? { method: known, status: String(status), count: 0, seconds: 0 }
    this.#calls.set(key, { ...call, count: call.count + 1, seconds: call.seconds + seconds })
  }

  metrics(): Metric[] {
    const each = (value: 'count' | 'seconds') =>
      [...this.#calls.values()].map((call) => ({
        labels: { method: call.method, status: call.status },
        value: call[value],
      }))
    return [
      { name: 'berth_api_requests_total', help: 'Requests to the API.', kind: 'counter', values: each('count') },
      {
        name: 'berth_api_request_seconds_total',
        help: 'Time until their answers had ended; a push or a followed log takes long.',
        kind: 'counter',
        values: each('seconds'),
      },
    ]
  }
}

export async function controllerMetrics(store: Store, calls: Calls): Promise<Metric[]> {
  const [tenants, apps, instances, hosts, routers] = await Promise.all([
    loadTenants(store),
    loadApps(store),
    loadInstances(store),
    loadHosts(store),
    loadRouters(store),
  ])
  const gauge = (name: string, help: string, values: Metric['values']): Metric => ({
    name: `berth_${name}`,
    help,
    kind: 'gauge',
    values,
  })
  const byState = instanceStates.map((state) => ({
    labels: { state },
    value: instances.filter(({ reported }) => (reported?.state ?? 'pending') === state).length,
  }))
  return [
    gauge('tenants', 'Tenants.', [{ value: tenants.length }]),
    gauge('apps', 'Apps.', [{ value: apps.length }]),
    gauge('instances', 'Instances, by the state that their hosts reported last.', byState),
    gauge('hosts', 'Hosts; those whose lease has lapsed are lost.', [
      { labels: { state: 'live' }, value: hosts.filter(({ live }) => live).length },
      { labels: { state: 'lost' }, value: hosts.filter(({ live }) => !live).length },
    ]),
    gauge('routers', 'Routers that report.', [{ value: routers.length }]),
    ...calls.metrics(),
  ]
}
