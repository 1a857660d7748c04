import { inOneWorld } from '#test/helpers/shared-world.ts'
import { routing } from './routing.ts'
import { zeroDowntime } from './zero-downtime.ts'
import { console } from './console.ts'

inOneWorld({}, [routing, zeroDowntime, console])
