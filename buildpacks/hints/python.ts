/** Causes that pip, uv and Python know. */
import type { Hint } from './hint.ts'

export const pythonHints: Hint[] = [
  {
    when: /error: command '(?:[\w./-]*\/)?(?:gcc|cc|c\+\+|g\+\+|x86_64-linux-gnu-gcc|aarch64-linux-gnu-gcc)' failed: No such file|(?:gcc|cc): (?:command )?not found|Unable to find a compiler|unable to execute '[^']*gcc'|Unknown compiler\(s\)/,
    say: 'A package has to be compiled, and compilers are there only for apps that ask: commit an empty file named .berth-toolchain, or use a version of the package that has a wheel.',
  },
  {
    when: /No matching distribution found for ([^\s]{1,100})/,
    say: ([, what]) =>
      `There is no ${what} for this version of Python, in the place where pip looked: the wheels in the app where it has a folder of them, else PyPI or PIP_INDEX_URL.`,
  },
  {
    when: /Hash(?:es)? (?:are required|mismatch)|THESE PACKAGES DO NOT MATCH THE HASHES/,
    say: 'A package is not the one whose hash requirements.txt holds. Export the file again and commit it.',
  },
  {
    when: /ResolutionImpossible|conflicting dependencies/,
    say: 'Two packages ask for versions of a third that do not go together; pip names them above. Change one of the versions.',
  },
  {
    when: /ModuleNotFoundError: No module named '([\w.]{1,100})'/,
    say: ([, module]) => `${module} is not installed. Add the package that has it to the app's dependencies.`,
  },
  {
    when: /django\.core\.exceptions\.ImproperlyConfigured|KeyError: '(?:SECRET_KEY|DATABASE_URL)'/,
    say: "Django's settings need a config var that is not set while building. Set it with berth config:set, or set DISABLE_COLLECTSTATIC=1.",
  },
]
