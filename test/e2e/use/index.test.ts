import { inOneWorld } from '#test/helpers/shared-world.ts'
import { metering } from './metering.ts'
import { limits } from './limits.ts'

inOneWorld({}, [metering, limits])
