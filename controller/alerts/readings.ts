/** All that is watched, as readings that are decided on one by one. */
import type { AlertFacts } from './facts.ts'
import type { Reading } from './decide.ts'
import { readApp } from './app-readings.ts'
import { readCertificate, readHost, readOrder, readTenant } from './platform-readings.ts'

/** What is turned off is not among them, so that its alert ends. */
export function readingsOf(facts: AlertFacts): Reading[] {
  const { now, apps, tenants, hosts, certificates, orders, rules } = facts
  return [
    ...apps.flatMap((app) => readApp(app, now)),
    ...tenants.flatMap(readTenant),
    ...hosts.flatMap((host) => readHost(host, rules, now)),
    ...certificates.flatMap((one) => readCertificate(one, certificates, rules, now)),
    ...orders.flatMap((order) => readOrder(order, rules)),
  ]
}
