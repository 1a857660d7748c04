import { inOneWorld } from '#test/helpers/shared-world.ts'
import { stacks } from './stacks.ts'
import { twoHosts } from './two-hosts.ts'

inOneWorld({ env: { BERTH_HOST_ID: 'host-a' } }, [stacks, twoHosts])
