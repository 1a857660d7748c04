/** Causes that Composer and PHP know. */
import type { Hint } from './hint.ts'

export const phpHints: Hint[] = [
  {
    when: /requires php ([^\s]{1,40}) but your php version \(([\d.]{1,20})\)/,
    say: ([, asked, there]) =>
      `A package asks for PHP ${asked}, and the stack has ${there}. Run composer update with that version, and commit composer.lock.`,
  },
  {
    when: /requires (?:PHP extension )?ext-([\w-]{1,40}) \*? ?.*(?:missing|not (?:present|installed|enabled))/i,
    say: ([, extension]) =>
      `PHP here has no extension ${extension}. Take a package that does without it, or ask the operator.`,
  },
  {
    when: /lock file is not up to date|is not present in the lock file|Required package "[^"]{1,100}" is not present/,
    say: 'composer.lock does not agree with composer.json. Run: composer update --lock, and commit composer.lock.',
  },
  {
    when: /Allowed memory size of \d+ bytes exhausted/,
    say: 'PHP reached its memory limit. Set COMPOSER_MEMORY_LIMIT for Composer (berth config:set), or PHP_MEMORY_LIMIT for the app.',
  },
  {
    when: /Could not authenticate against|Invalid credentials|HTTP\/[\d.]+ 40[13] .*(?:packages|repo)/,
    say: 'A package repository wants credentials. Put them into the config var COMPOSER_AUTH.',
  },
]
