/** The buildpacks, in the order in which they are asked: the first that accepts a source builds it. */
import type { AppFolder, Buildpack, Detection } from './contract.ts'
import { go } from './go/index.ts'
import { java } from './java/index.ts'
import { node } from './node.ts'
import { php } from './php/index.ts'
import { procfile } from './procfile.ts'
import { python } from './python/index.ts'
import { ruby } from './ruby/index.ts'
import { staticSite } from './static.ts'

export const buildpacks: readonly Buildpack[] = [node, python, ruby, php, java, go, staticSite, procfile]

export type Choice =
  | { buildpack: Buildpack; detection: Extract<Detection, { accepted: true }> }
  | { buildpack: null; lookedFor: { name: string; lookedFor: string }[] }

export async function choose(app: AppFolder): Promise<Choice> {
  const lookedFor: { name: string; lookedFor: string }[] = []
  for (const buildpack of buildpacks) {
    const detection = await buildpack.detect(app)
    if (detection.accepted) return { buildpack, detection }
    lookedFor.push({ name: buildpack.name, lookedFor: detection.lookedFor })
  }
  return { buildpack: null, lookedFor }
}
