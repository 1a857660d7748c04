import { inOneWorld } from '#test/helpers/shared-world.ts'
import { routing } from './routing.ts'
import { zeroDowntime } from './zero-downtime.ts'

inOneWorld({}, [routing, zeroDowntime])
