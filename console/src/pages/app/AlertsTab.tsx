/** What is watched of an app, and who is told. */
import { AlertSettings } from '../alerts/AlertSettings.tsx'
import type { TabProps } from './AppPage.tsx'
import { pathOf } from './doings.ts'

export const AlertsTab = ({ app, why }: TabProps) => <AlertSettings path={`${pathOf(app)}/alerts`} of="app" why={why} />
