/** templates: the sample apps to begin with. */
import type { Run } from '../context.ts'

export const list: Run = async ({ client, out }, _args, options) => {
  const view = await (await client()).get('/templates')
  if (options.json) return out.json(view)
  out.table(
    ['TEMPLATE', 'LANGUAGE', 'PROCESSES', 'WHAT'],
    view.templates.map(({ name, language, processes, summary }) => [name, language, processes.join(', '), summary]),
  )
  out.note('Deploy one: berth create --template NAME. Begin with its files: berth init FOLDER --template NAME')
}

export const info: Run = async ({ client, out }, [name = ''], options) => {
  const template = await (await client()).get('/templates/:template', { template: name })
  if (options.json) return out.json(template)
  out.facts([
    ['Template', template.name],
    ['Title', template.title],
    ['What', template.summary],
    ['Language', template.language],
    ['Processes', template.processes.join(', ')],
    ['Files', template.files.map(({ path }) => path).join(', ')],
  ])
}
