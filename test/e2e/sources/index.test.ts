import { inOneWorld } from '#test/helpers/shared-world.ts'
import { git } from './git.ts'
import { fromHeroku } from './app-json.ts'

inOneWorld({}, [git, fromHeroku])
