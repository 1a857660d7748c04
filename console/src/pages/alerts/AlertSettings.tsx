/** What is watched of an app, a tenant or the platform: alerts, from which values on there is one, and who is told. */
import type { AlertRulesView } from '../../../../core/contract/alerts.ts'
import { useGet } from '../../api/queries.ts'
import { Failed, Loading } from '../../ui/parts.tsx'
import { AlertList } from './AlertList.tsx'
import { Rules } from './Rules.tsx'
import { Told } from './Told.tsx'

/** @property path of the alerts: `/v1/apps/APP/alerts`. @property why this person may not change them; null: they may */
export type AlertsProps = { path: string; of: 'app' | 'tenant' | 'platform'; why: string | null }

export function AlertSettings(props: AlertsProps) {
  const { path } = props
  const { data, error, isLoading, again } = useGet<AlertRulesView>(`${path}/rules`)
  if (error) return <Failed error={error} again={again} />
  if (isLoading || !data) return <Loading lines={6} />
  return (
    <>
      <AlertList path={path} />
      <Rules {...props} view={data} />
      <Told {...props} view={data} />
    </>
  )
}
