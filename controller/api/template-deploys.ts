/** Deploys a sample app, as if its folder had been sent by `berth deploy`. */
import { Readable } from 'node:stream'
import type { TemplateDetail } from '#core/contract/tools.ts'
import type { App } from '#core/domain/app.ts'
import { makeId, type DeployId } from '#core/domain/ids.ts'
import type { Deploy } from '#core/domain/release.ts'
import { archiveOf } from '../templates.ts'
import type { ApiContext } from './context.ts'
import { removeWhenOver } from './uploads.ts'

export async function deployTemplate(
  template: TemplateDetail,
  app: App,
  actor: string,
  context: ApiContext,
): Promise<Deploy> {
  const { random, sources, deploys } = context
  const id = makeId('d', random(13)) as DeployId
  const source = await sources.keep(id, Readable.from([archiveOf(template)]))
  try {
    const deploy = await deploys.submit({
      id,
      app,
      kind: 'push',
      actor,
      description: `Deploy the template ${template.name}`,
      commit: null,
      source,
      fromRelease: null,
      config: null,
    })
    void removeWhenOver(deploy, context)
    return deploy
  } catch (error) {
    await sources.remove(id)
    throw error
  }
}
