/** ◆ How the words that were typed name a command of the table: by colons or by spaces, by its name or an alias, or a whole topic. */
import { nearest } from './nearest.ts'

/** What of a command the grammar looks at. */
export type Named = { name: string; aliases?: string[]; args?: string; hidden?: boolean }

export type Reading<Spec extends Named> =
  | { kind: 'command'; spec: Spec; args: string[] }
  /** A topic that is no command itself, like `git`. */
  | { kind: 'topic'; topic: string; args: string[] }
  | { kind: 'unknown'; typed: string; topic: string | null; near: string[] }

const isWord = (text: string) => /^[a-z][a-z0-9:-]*$/i.test(text)

/**
 * The longest run of words that together name a command is the command; the rest are its arguments: `config set A=1` is
 * `config:set` with `A=1`, and `destroy config` is `destroy` with `config`.
 */
export function read<Spec extends Named>(argv: string[], specs: Spec[]): Reading<Spec> {
  const names = namesOf(specs)
  const after = argv.findIndex((word) => !isWord(word))
  const words = after === -1 ? argv : argv.slice(0, after)
  for (let count = words.length; count > 0; count -= 1) {
    const name = words.slice(0, count).join(':')
    const spec = names.get(name)
    if (!spec) continue
    const next = words[count]
    // Who writes `config st A=1` means a command of the topic.
    if (next !== undefined && spec.args === undefined && isTopic(name, specs)) break
    return { kind: 'command', spec, args: argv.slice(count) }
  }
  return readTopic(argv, words, specs, names)
}

/** Each name and each alias, and what it stands for. */
export function namesOf<Spec extends Named>(specs: Spec[]): Map<string, Spec> {
  return new Map(
    specs.flatMap((spec) => [spec.name, ...(spec.aliases ?? [])].map((name): [string, Spec] => [name, spec])),
  )
}

/** Whether there are commands below this name. */
export const isTopic = (name: string, specs: Named[]): boolean => commandsBelow(name, specs).length > 0

/** What `berth help TOPIC` lists: by name or alias, each once. */
export const commandsBelow = <Spec extends Named>(topic: string, specs: Spec[]): Spec[] =>
  specs.filter(
    ({ name, aliases = [], hidden }) => !hidden && [name, ...aliases].some((one) => one.startsWith(`${topic}:`)),
  )

function readTopic<Spec extends Named>(
  argv: string[],
  words: string[],
  specs: Spec[],
  names: Map<string, Spec>,
): Reading<Spec> {
  const known = words.map((_, index) => words.slice(0, index + 1).join(':')).filter((name) => isTopic(name, specs))
  const topic = known.at(-1) ?? null
  if (topic !== null && known.length === words.length) return { kind: 'topic', topic, args: argv.slice(words.length) }
  const typed = words.slice(0, known.length + 1).join(':') || (argv[0] ?? '')
  return unknown(typed, topic, names)
}

function unknown<Spec extends Named>(typed: string, topic: string | null, names: Map<string, Spec>): Reading<Spec> {
  const visible = ['help', ...[...names].filter(([, { hidden }]) => !hidden).map(([name]) => name)]
  const inTopic =
    topic === null
      ? []
      : nearest(
          typed,
          visible.filter((name) => name.startsWith(`${topic}:`)),
        )
  return { kind: 'unknown', typed, topic, near: inTopic.length > 0 ? inTopic : nearest(typed, visible) }
}
