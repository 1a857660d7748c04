/**
 * Mocha's usual report, the tests that held only when they were tried again (`--retries`), and the counts in a file:
 * `--reporter test/helpers/reporter.ts --reporter-option counts=FILE`.
 */
import { writeFileSync } from 'node:fs'
import mocha from 'mocha'

type Options = { reporterOptions?: { counts?: string } }

export default class Reporter extends mocha.reporters.Spec {
  constructor(runner: mocha.Runner, options: Options) {
    super(runner, options)
    const file = options.reporterOptions?.counts
    if (!file) throw new Error('The reporter needs a file for the counts: --reporter-option counts=FILE')
    const again = new Map<string, Error>()
    runner.on('retry', (test: mocha.Test, error: Error) => again.set(test.fullTitle(), error))
    runner.once('end', () => {
      if (again.size > 0) console.log('\n  Tried again, because they failed at first:')
      for (const [title, { message }] of again) console.log(`    ${title}: ${message.split('\n', 1)[0] ?? ''}`)
      const { passes = 0, failures = 0 } = runner.stats ?? {}
      writeFileSync(file, `${passes} passed, ${failures} failed\n`)
    })
  }
}
