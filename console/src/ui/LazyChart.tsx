import { lazy, Suspense, type ComponentProps } from 'react'
import { fetchAgain } from '../app/fetch-again.ts'

const Chart = lazy(() => fetchAgain(() => import('./Chart.tsx')))

/** The chart with its library, which comes when the first one is shown. */
export const LazyChart = (props: ComponentProps<typeof Chart>) => (
  <Suspense
    fallback={
      <div style={{ height: (props.height ?? 150) + 26 }} role="status" aria-label={`Loading: ${props.title}`} />
    }
  >
    <Chart {...props} />
  </Suspense>
)
