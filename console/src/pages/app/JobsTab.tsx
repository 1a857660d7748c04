/** What runs once: commands that somebody runs, and jobs that the app's clock runs. */
import type { TabProps } from './AppPage.tsx'
import { CronJobs } from './CronJobs.tsx'
import { Runs } from './Runs.tsx'

export const JobsTab = (props: TabProps) => (
  <>
    <CronJobs {...props} />
    <Runs {...props} />
  </>
)
