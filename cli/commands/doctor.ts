/** doctor: is this machine fit to be a host? Asks the agent's code on this machine; needs neither a token nor a Berth that runs. */
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Diagnosis } from '#core/contract/doctor.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { Run } from '../context.ts'
import { failed } from '../failures.ts'
import { isPackaged } from '../self.ts'
import { byVerdict, verdictCell, wordsOf } from '../verdicts.ts'

export const doctor: Run = async ({ out, launcher, env }, _args, { json, all }) => {
  if (isPackaged)
    throw failed(
      "A host is looked at with the checkout's own command, which has the agent's code: run bin/berth doctor there.",
    )
  const { findings, host } = await ask(launcher, env)
  const problems = findings.filter(({ verdict }) => verdict === 'problem').length
  const advised = findings.filter(({ verdict }) => verdict === 'advice').length
  if (json) out.json({ host, findings } satisfies Diagnosis)
  else {
    const shown = findings.filter(({ verdict }) => all || verdict !== 'ok').sort(byVerdict)
    if (shown.length > 0)
      out.table(
        ['VERDICT', 'CHECK', 'FOUND'],
        shown.map((finding) => [verdictCell(finding), finding.check, finding.found]),
        shown.map(wordsOf),
      )
    const fine = findings.length - problems - advised
    out.line(
      `${host}: ${problems} problems, ${advised} pieces of advice, ${fine} checks fine${all ? '' : ' (--all shows them)'}.`,
    )
  }
  if (problems > 0) throw failed(`This machine is not fit to be a host: ${problems} problems.`)
}

async function ask(launcher: string, env: NodeJS.ProcessEnv): Promise<Diagnosis> {
  const agent = join(dirname(dirname(launcher)), 'agent', 'main.ts')
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', agent, '--doctor'], {
      env,
      maxBuffer: 4 * 1024 * 1024,
      timeout: 60_000,
    })
    return JSON.parse(stdout) as Diagnosis
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim()
    throw failed(`This machine could not be looked at: ${said === undefined || said === '' ? messageOf(error) : said}`)
  }
}
