/** ◆ The completion script for zsh, from 5.0 on. */
import { quote, type Word } from './words.ts'

export function zshScript(words: Word[]): string {
  const described = words
    .flatMap(({ names, summary }) => names.map((name) => [name, summary] as const))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const cases = words.map(
    ({ names, options }) =>
      `    ${names.join('|')}) options=(${options.flatMap(({ flags, summary }) => flags.map((flag) => quote(`${flag}:${summary.replaceAll(':', ' -')}`))).join(' ')}) ;;`,
  )
  const ofApps = words.filter(({ takesApp }) => takesApp).flatMap((word) => word.names)
  return `#compdef berth
# Completion of berth for zsh. Load it with: source <(berth completion zsh)
typeset -gA _berth_commands=(
${described.map(([name, summary]) => `  ${name} ${quote(summary)}`).join('\n')}
)

_berth() {
  local path_='' name index rest prefix cur=\${words[CURRENT]} prev=\${words[CURRENT-1]}
  local -a options candidates apps
  for ((index = 2; index < CURRENT; index++)); do
    name=\${path_:+$path_:}\${words[index]}
    (( \${+_berth_commands[$name]} )) || [[ -n \${(M)\${(k)_berth_commands}:#$name:*} ]] || break
    path_=$name
  done
  case $path_ in
${cases.join('\n')}
  esac
  if [[ $prev == -a || $prev == --app ]]; then
    apps=(\${(f)"$("\${words[1]}" completion:apps 2>/dev/null)"})
    compadd -a apps
    return
  fi
  if [[ $cur == -* ]]; then
    _describe -o 'option' options
    return
  fi
  prefix=\${path_:+$path_:}
  if (( index == CURRENT )); then
    for name in \${(k)_berth_commands}; do
      [[ $name == $prefix* ]] || continue
      rest=\${name#$prefix}
      candidates+=("\${rest//:/\\\\:}:\${_berth_commands[$name]}")
    done
    (( \${#candidates} )) && _describe 'command' candidates
  fi
  case " ${ofApps.join(' ')} " in
    *" $path_ "*)
      if [[ -n $path_ ]]; then
        apps=(\${(f)"$("\${words[1]}" completion:apps 2>/dev/null)"})
        compadd -a apps
      fi ;;
  esac
  (( \${#candidates} + \${#apps} )) || _files
}

if [[ \${funcstack[1]} == _berth ]]; then
  _berth "$@"
else
  compdef _berth berth
fi
`
}
