/** What the API's document says of its operations, as checks. */
import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { apiDocument } from '../../controller/reference/document.ts'

export type DocumentChecks = {
  /** @throws where it is not what the document says. @param media the media type of the answer */
  answer(route: string, status: number, media: string, value: unknown): void
  body(route: string, value: unknown): void
}

/** With answers that may have no fields but those that are documented. */
export function documentChecks(): DocumentChecks {
  const document = apiDocument({ closed: true })
  const ajv = new Ajv2020({ strict: false, validateSchema: false })
  addFormats.default(ajv)
  ajv.addSchema(document, 'api')
  const check = (pointer: string, what: string, value: unknown) => {
    const validate = ajv.getSchema(`api#${pointer}`)
    assert.ok(validate, `the document has nothing at ${pointer}`)
    assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value).slice(0, 1000)}`)
  }
  const pointerOf = (route: string, ...rest: string[]) => {
    const [method = '', path = ''] = route.split(' ')
    const parts = ['paths', path.replace(/:(\w+)/g, '{$1}'), method.toLowerCase(), ...rest]
    return parts.map((part) => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')
  }
  return {
    answer(route, status, media, value) {
      const [method = '', path = ''] = route.split(' ')
      const documented = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]?.responses ?? {}
      const named = String(status) in documented ? String(status) : 'default'
      const isReference = '$ref' in (documented[named] ?? {})
      const at = ['content', media, 'schema']
      const pointer = isReference
        ? `/components/responses/${named}/content/${encodeURIComponent(media.replaceAll('/', '~1'))}/schema`
        : pointerOf(route, 'responses', named, ...at)
      check(pointer, `${route} answers ${status}`, value)
    },
    body(route, value) {
      check(pointerOf(route, 'requestBody', 'content', 'application/json', 'schema'), `${route} is sent`, value)
    },
  }
}
