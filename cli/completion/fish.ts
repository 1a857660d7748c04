/** ◆ The completion script for fish, from 3.1 on. */
import { quote, type Word } from './words.ts'

export function fishScript(words: Word[]): string {
  const names = words.flatMap((word) => word.names).sort()
  const commands = words.flatMap(({ names: own, summary }) =>
    own.map((name) => {
      const at = name.lastIndexOf(':')
      const spaced =
        at === -1
          ? []
          : [
              `complete -c berth -n ${quote(`__berth_at ${name.slice(0, at)}`)} -a ${name.slice(at + 1)} -d ${quote(summary)}`,
            ]
      return [`complete -c berth -n '__berth_at ""' -a ${quote(name)} -d ${quote(summary)}`, ...spaced].join('\n')
    }),
  )
  const options = words.flatMap(({ names: own, options: all }) =>
    all.map(({ flags, summary }) => {
      const short = flags.filter((flag) => !flag.startsWith('--')).map((flag) => `-s ${flag.slice(1)}`)
      const long = flags.filter((flag) => flag.startsWith('--')).map((flag) => `-l ${flag.slice(2)}`)
      const apps = flags.includes('--app') ? [`-x -a '(berth completion:apps 2>/dev/null)'`] : []
      const parts = [...short, ...long, ...apps, `-d ${quote(summary)}`]
      return `complete -c berth -n ${quote(`__berth_within ${own.join(' ')}`)} ${parts.join(' ')}`
    }),
  )
  const ofApps = words.filter(({ takesApp }) => takesApp).flatMap((word) => word.names)
  return `# Completion of berth for fish. Load it with: berth completion fish | source
set -g __berth_names ${names.join(' ')}

# The words before the cursor that name a command or lead to one, with colons between them.
function __berth_path
    set -l path ''
    for word in (commandline -opc)[2..-1]
        set -l name (string join ':' (string match -v '' -- $path) $word)
        if contains -- $name $__berth_names; or string match -q -- "$name:*" $__berth_names
            set path $name
        else
            break
        end
    end
    echo $path
end

function __berth_at
    test (__berth_path) = "$argv[1]"
end

function __berth_within
    contains -- (__berth_path) $argv
end

complete -c berth -f
complete -c berth -n ${quote(`__berth_within ${ofApps.join(' ')}`)} -a '(berth completion:apps 2>/dev/null)'
${commands.join('\n')}
${options.join('\n')}
`
}
