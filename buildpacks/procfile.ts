/** A Procfile and nothing that another buildpack knows: compiled programs, scripts of the stack's own interpreters. */
import { invalidFile, type Buildpack } from './contract.ts'
import { readProcfile } from './processes.ts'
import { checkPrograms } from './program.ts'

export const procfile: Buildpack = {
  name: 'procfile',

  async detect(app) {
    if ((await app.names()).includes('Procfile'))
      return { accepted: true, what: 'Procfile app', because: 'Procfile found' }
    return { accepted: false, lookedFor: 'Procfile, found none' }
  },

  async plan(app) {
    const processes = (await readProcfile(app)) ?? {}
    if (Object.keys(processes).length === 0)
      throw invalidFile('The Procfile names no process. Add a line such as "web: ./serve" and push again.')
    return { runtimes: [], dependencies: null }
  },

  async compile({ app, output }) {
    const processes = (await readProcfile(app)) ?? {}
    await checkPrograms(app, processes)
    output.title('Nothing to compile: the Procfile names what to run')
    return { processes, env: {} }
  },
}
