import { inOneWorld } from '#test/helpers/shared-world.ts'
import { javaAndGo } from './java-and-go.ts'

inOneWorld({}, [javaAndGo])
