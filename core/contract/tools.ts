/** What tells of Berth itself: its version, and the sample apps that it ships. */
import { z } from 'zod'

export const versionView = z.strictObject({
  /** Of the controller that answers, like `0.1.0`. */
  version: z.string(),
  /** Where the command line of the same version is, from the API's address on: `npm i -g ADDRESS/cli.tgz`. */
  cli: z.string(),
})
export type VersionView = z.infer<typeof versionView>

export const templateView = z.strictObject({
  name: z.string(),
  title: z.string(),
  summary: z.string(),
  /** Like `Node.js`. */
  language: z.string(),
  /** The process types that it has; `web` takes requests. */
  processes: z.array(z.string()),
})
export type TemplateView = z.infer<typeof templateView>

export const templatesView = z.strictObject({ templates: z.array(templateView) })
export type TemplatesView = z.infer<typeof templatesView>

export const templateFile = z.strictObject({ path: z.string(), content: z.string(), isExecutable: z.boolean() })
export type TemplateFile = z.infer<typeof templateFile>

export const templateDetail = templateView.extend({ files: z.array(templateFile) })
export type TemplateDetail = z.infer<typeof templateDetail>
