import { inOneWorld } from '#test/helpers/shared-world.ts'
import { metering } from './metering.ts'
import { mainJob } from './main-job.ts'
import { limits } from './limits.ts'

// Metering first: it compares with what the kernel counted since the beginning. Limits last: their tenant keeps a small plan.
inOneWorld({}, [metering, mainJob, limits])
