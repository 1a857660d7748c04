import { inOneWorld } from '#test/helpers/shared-world.ts'
import { debian } from './debian.ts'
import { node } from './node.ts'
import { javaAndGo } from './java-and-go.ts'

inOneWorld({}, [debian, node, javaAndGo])
