/** Mocha's usual report, and its counts in a file: `--reporter test/helpers/reporter.ts --reporter-option counts=FILE`. */
import { writeFileSync } from 'node:fs'
import mocha from 'mocha'

type Options = { reporterOptions?: { counts?: string } }

export default class Reporter extends mocha.reporters.Spec {
  constructor(runner: mocha.Runner, options: Options) {
    super(runner, options)
    const file = options.reporterOptions?.counts
    if (!file) throw new Error('The reporter needs a file for the counts: --reporter-option counts=FILE')
    runner.once('end', () => {
      const { passes = 0, failures = 0 } = runner.stats ?? {}
      writeFileSync(file, `${passes} passed, ${failures} failed\n`)
    })
  }
}
