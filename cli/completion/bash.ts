/** ◆ The completion script for bash, from 3.2 on. */
import { quote, type Word } from './words.ts'

export function bashScript(words: Word[]): string {
  const names = words.flatMap((word) => word.names).sort()
  const cases = words.map(
    ({ names: own, options }) =>
      `    ${own.join('|')}) echo ${quote(options.flatMap(({ flags }) => flags).join(' '))} ;;`,
  )
  const ofApps = words.filter(({ takesApp }) => takesApp).flatMap((word) => word.names)
  return `# Completion of berth for bash. Load it with: source <(berth completion bash)
_berth_names=${quote(names.join(' '))}

_berth_options() {
  case $1 in
${cases.join('\n')}
  esac
}

_berth() {
  local line=\${COMP_LINE:0:COMP_POINT} path='' candidates='' cur prev='' word name index count
  local -a typed=()
  # Not COMP_WORDS, in which readline has taken config:set apart.
  read -ra typed <<<"$line"
  [[ $line == *[[:space:]] ]] && typed+=('')
  count=\${#typed[@]}
  ((count > 1)) || return 0
  cur=\${typed[count - 1]}
  ((count > 2)) && prev=\${typed[count - 2]}
  for ((index = 1; index < count - 1; index++)); do
    name=\${path:+$path:}\${typed[index]}
    case " $_berth_names " in
      *" $name "* | *" $name:"*) path=$name ;;
      *) break ;;
    esac
  done
  if [[ $prev == -a || $prev == --app ]]; then
    candidates=$("$1" completion:apps 2>/dev/null)
  elif [[ $cur == -* ]]; then
    candidates=$(_berth_options "$path")
  else
    if ((index == count - 1)); then
      for name in $_berth_names; do
        [[ $name == "\${path:+$path:}"* ]] && candidates+=" \${name#"\${path:+$path:}"}"
      done
    fi
    case " ${ofApps.join(' ')} " in
      *" $path "*) [[ -n $path ]] && candidates+=" $("$1" completion:apps 2>/dev/null)" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$candidates" -- "$cur"))
  # readline replaces only what stands behind the last colon.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    word=\${cur%"\${cur##*:}"}
    COMPREPLY=("\${COMPREPLY[@]#"$word"}")
  fi
}

complete -o bashdefault -o default -F _berth berth
`
}
