import './style/tokens.css'
import './style/base.css'
import './style/controls.css'
import './style/blocks.css'
import './style/layers.css'
import './style/shell.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClientProvider } from '@tanstack/react-query'
import { Tooltip } from '@base-ui/react/tooltip'
import { queryClient } from './api/queries.ts'
import { Gate } from './app/Gate.tsx'
import { preload } from './app/routes.tsx'
import { applyTheme, readTheme } from './app/theme.ts'
import { Toasts } from './ui/toasts.tsx'

applyTheme(readTheme())
preload(location.pathname)

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queryClient}>
        <Tooltip.Provider delay={300}>
          <Gate />
          <Toasts />
        </Tooltip.Provider>
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
)
