import { inOneWorld } from '#test/helpers/shared-world.ts'
import { faults } from './faults.ts'
import { builds } from './builds.ts'

inOneWorld({}, [faults, builds])
