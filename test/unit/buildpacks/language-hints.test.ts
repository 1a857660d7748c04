import assert from 'node:assert/strict'
import type { Hint } from '#buildpacks/hints/hint.ts'
import { phpHints } from '#buildpacks/hints/php.ts'
import { pythonHints } from '#buildpacks/hints/python.ts'
import { rubyHints } from '#buildpacks/hints/ruby.ts'

/** What the programs print, word for word, and the hint that a pusher gets. */
const cases: { hints: Hint[]; printed: string; hint: RegExp }[] = [
  {
    hints: pythonHints,
    printed: "error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory",
    hint: /commit an empty file named \.berth-toolchain/,
  },
  {
    hints: pythonHints,
    printed: 'ERROR: No matching distribution found for flask==99',
    hint: /There is no flask==99 for this version of Python/,
  },
  {
    hints: rubyHints,
    printed: 'Your Ruby version is 3.3.8, but your Gemfile specified 3.3.5',
    hint: /Ruby 3\.3\.8.*exactly 3\.3\.5.*ruby "~> 3\.3\.0"/,
  },
  {
    hints: rubyHints,
    printed: "Could not find gem 'rack' in locally installed gems\nCould not find rack-3.1 in cached gems",
    hint: /bundle cache --all-platforms/,
  },
  {
    hints: rubyHints,
    printed: 'ERROR: Failed to build gem native extension.',
    hint: /\.berth-toolchain/,
  },
  {
    hints: phpHints,
    printed: '    - a/b 1.0 requires php ^9.0 but your php version (8.4.11) does not satisfy that requirement.',
    hint: /PHP \^9\.0, and the stack has 8\.4\.11\..*composer update/s,
  },
  {
    hints: phpHints,
    printed: '    - Root composer.json requires PHP extension ext-imagick * but it is missing from your system.',
    hint: /no extension imagick/,
  },
]

describe('What the output of pip, Bundler and Composer says about a failure', () => {
  for (const { hints, printed, hint } of cases)
    it(JSON.stringify(printed.slice(0, 70)), () => assert.match(hintIn(hints, printed), hint))

  it('is nothing where nothing is known', () => {
    for (const hints of [pythonHints, rubyHints, phpHints]) assert.equal(hintIn(hints, 'all is well'), '')
  })
})

function hintIn(hints: Hint[], text: string): string {
  for (const { when, say } of hints) {
    const found = when.exec(text)
    if (found) return typeof say === 'string' ? say : say(found)
  }
  return ''
}
