import { inOneWorld } from '#test/helpers/shared-world.ts'
import { debian } from './debian.ts'
import { node } from './node.ts'

inOneWorld({}, [debian, node])
