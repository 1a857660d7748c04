import { inOneWorld } from '#test/helpers/shared-world.ts'
import { oneOffs } from './one-offs.ts'
import { entryPaths } from './entry-paths.ts'

inOneWorld({}, [oneOffs, entryPaths])
