/** The platform itself, for its operators. */
import { z } from 'zod'
import { moment, named, text, texts, whole } from './shape.ts'

const capacity = z.strictObject({ memoryMb: whole, cpuMilli: whole, diskMb: whole, slots: whole })

export const hostView = named('Host', {
  id: text,
  hostname: text,
  capacity,
  stack: text.describe('Its own first stack image.'),
  stacks: z
    .array(
      z.strictObject({
        name: text,
        digest: text.nullable().describe('null: not computed yet.'),
        bytes: whole,
        debian: text,
        builtAt: z.number().describe('ms since 1970'),
      }),
    )
    .describe('The stack images that it has, its own among them.'),
  version: text,
  cgroup: z.enum(['v1', 'v2']),
  startedAt: z.number().describe('ms since 1970'),
  cpuMilliUsed: z.number(),
  memoryMbUsed: z.number(),
  disk: z
    .strictObject({ usedBytes: z.number(), totalBytes: z.number() })
    .nullable()
    .describe('Of the file system that its instances and slugs lie on; null: not known.'),
  live: z.boolean(),
  cordoned: z.boolean(),
  reserved: capacity.describe('What its instances were promised.'),
})
export type HostView = z.infer<typeof hostView>
export const hostsView = z.strictObject({ hosts: z.array(hostView) })

export const stackView = named('Stack', {
  name: text,
  state: z
    .enum(['building', 'built', 'failed', 'lost'])
    .describe('lost is derived from the lease of the host that was to build it.'),
  own: z.boolean().describe('An image that hosts have made for themselves.'),
  inUse: z.boolean(),
  debian: text.nullable(),
  digest: text.nullable(),
  bytes: whole.nullable(),
  builtAt: moment.nullable(),
  builtOn: text.nullable(),
  instances: whole,
  hosts: texts,
  error: text.nullable(),
})
export type StackView = z.infer<typeof stackView>
export const stacksView = named('Stacks', {
  current: text.nullable().describe('null: each host’s own.'),
  previous: text.nullable(),
  instances: whole,
  onCurrent: whole,
  stacks: z.array(stackView),
})
export type StacksView = z.infer<typeof stacksView>

/** One line of `GET /v1/stacks/STACK/log` (newline-delimited JSON); the last one carries `end`. */
export const stackLogLine = z.union([z.strictObject({ line: text }), z.strictObject({ end: stackView })])
export type StackLogLine = z.infer<typeof stackLogLine>
