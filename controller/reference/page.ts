/** The API's document as a page for people: one HTML file with a search, which needs no script to be read. */
import { errorCodes } from '#core/domain/error-codes.ts'
import { commandOf } from './commands.ts'
import { routeOfPath, type ApiDocument, type Documented } from './document.ts'
import { curlOf } from './examples.ts'
import { html, type Html } from './html.ts'
import { isObject, type JsonSchema } from './schemas.ts'

type Entry = { method: string; path: string; operation: Documented }

export function referencePage(document: ApiDocument): string {
  const entries = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
  const groups = [...Map.groupBy(entries, ({ operation }) => operation.tags[0])]
  const schemas = Object.entries(document.components.schemas).sort(([a], [b]) => a.localeCompare(b))
  const info = document['info'] as { description: string }
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Berth API</title>
        <link rel="stylesheet" href="/docs/api/reference.css" />
        <script src="/docs/api/search.js" defer></script>
      </head>
      <body>
        <nav aria-label="Reference">
          <h1>Berth API</h1>
          <input type="search" id="search" placeholder="Search" aria-label="Search operations" autocomplete="off" />
          <p id="found" role="status"></p>
          <ul>
            ${groups.map(([name]) => html`<li><a href="#${name}">${name}</a></li>`)}
            <li><a href="#schemas">shapes</a></li>
            <li><a href="#errors">errors</a></li>
          </ul>
        </nav>
        <main>
          ${info.description.split('\n\n').map((paragraph) => html`<p>${withCode(paragraph)}</p>`)}
          <p><a href="/v1/openapi.json">This document as OpenAPI 3.1</a>, for tools.</p>
          ${groups.map(
            ([name, members]) =>
              html`<section id="${name}">
                <h2>${name}</h2>
                ${members.map(article)}
              </section>`,
          )}
          <section id="schemas">
            <h2>shapes</h2>
            ${schemas.map(shape)}
          </section>
          <section id="errors">
            <h2>errors</h2>
            ${errors()}
          </section>
        </main>
      </body>
    </html>`.text
}

/** Every second part between backticks is code. */
const withCode = (text: string): Html[] =>
  text.split('`').map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`))

function article({ method, path, operation }: Entry): Html {
  const command = commandOf(`${method} ${routeOfPath(path)}`)
  const fields = operation.parameters
  return html`<details class="operation" id="${operation.operationId}">
    <summary>
      <span class="method ${method.toLowerCase()}">${method}</span> <code>${path}</code>
      <span class="summary">${operation.summary}</span>
    </summary>
    <p>${operation.description}</p>
    ${fields.length === 0 ? null : parameters(fields)} ${bodyOf(operation.requestBody)}
    ${Object.entries(operation.responses).map(([status, response]) => answer(status, response))}
    <h4>Example</h4>
    <pre>${curlOf(method, path, operation)}</pre>
    ${command === null ? null : html`<pre>${command}</pre>`}
  </details>`
}

const parameters = (fields: JsonSchema[]): Html =>
  html`<h4>Parameters</h4>
    <table>
      ${fields.map(
        ({ name, in: place, required, description, schema }) =>
          html`<tr>
            <td><code>${String(name)}</code></td>
            <td>${String(place)}${required === true ? ', required' : ''}</td>
            <td>${typeOf(schema)}</td>
            <td>${typeof description === 'string' ? description : ''}</td>
          </tr>`,
      )}
    </table>`

function bodyOf(body: JsonSchema | undefined): Html | null {
  const [content] = contentsOf(body)
  return content
    ? html`<h4>Body: ${content.media}</h4>
        ${typeOf(content.schema)}`
    : null
}

/** Refusals are alike everywhere, and stand in a chapter of their own. */
function answer(status: string, response: JsonSchema): Html {
  if ('$ref' in response) return html``
  const [content] = contentsOf(response)
  return html`<h4>${status} ${String(response['description'])}</h4>
    ${content ? html`<p>${content.media}: ${typeOf(content.schema)}</p>` : null}`
}

function contentsOf(holder: JsonSchema | undefined): { media: string; schema: unknown }[] {
  const content = holder?.['content']
  if (!isObject(content)) return []
  return Object.entries(content).map(([media, value]) => ({ media, schema: isObject(value) ? value['schema'] : {} }))
}

const shape = ([name, schema]: [string, JsonSchema]): Html =>
  html`<details class="shape" id="${name}">
    <summary><code>${name}</code></summary>
    ${typeOf(schema)}
  </details>`

/** A schema in a few words; objects as tables of their fields. */
function typeOf(schema: unknown): Html {
  if (!isObject(schema)) return html`anything`
  const { $ref, anyOf, oneOf, type, properties, items, additionalProperties } = schema
  if (typeof $ref === 'string') return referred($ref)
  const choices = anyOf ?? oneOf
  if (Array.isArray(choices))
    return html`${choices.map((one, index) => html`${index === 0 ? '' : ' or '}${typeOf(one)}`)}`
  if (Array.isArray(schema['enum'])) return html`<code>${schema['enum'].map(String).join(' | ')}</code>`
  if (schema['const'] !== undefined) return html`<code>${JSON.stringify(schema['const'])}</code>`
  if (isObject(properties)) return fieldsOf(properties, schema['required'])
  if (type === 'array') return html`list of ${typeOf(items)}`
  if (type === 'object') return html`by name: ${typeOf(additionalProperties)}`
  const kinds = (Array.isArray(type) ? type : [type]).filter((kind) => typeof kind === 'string')
  return html`${kinds.join(' or ') || 'anything'}${boundsOf(schema)}`
}

function referred(reference: string): Html {
  const name = reference.split('/').at(-1) ?? ''
  return html`<a href="#${name}">${name}</a>`
}

const fieldsOf = (properties: JsonSchema, required: unknown): Html =>
  html`<table>
    ${Object.entries(properties).map(
      ([name, field]) =>
        html`<tr>
          <td><code>${name}</code>${Array.isArray(required) && required.includes(name) ? '' : ' (may be left out)'}</td>
          <td>${typeOf(field)}</td>
          <td>${isObject(field) && typeof field['description'] === 'string' ? field['description'] : ''}</td>
        </tr>`,
    )}
  </table>`

function boundsOf({ minimum, maximum, maxLength, format, default: usual }: JsonSchema): string {
  const parts = [
    typeof format === 'string' ? format : '',
    typeof minimum === 'number' ? `from ${minimum}` : '',
    typeof maximum === 'number' ? `to ${maximum}` : '',
    typeof maxLength === 'number' ? `at most ${maxLength} characters` : '',
    usual === undefined ? '' : `usually ${JSON.stringify(usual)}`,
  ].filter((part) => part !== '')
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

const errors = (): Html =>
  html`<table>
    ${Object.entries(errorCodes)
      .filter(([, { met }]) => met !== 'start')
      .map(
        ([code, { status, meaning, next }]) =>
          html`<tr id="${code}">
            <td><code>${code}</code></td>
            <td>${status}</td>
            <td>${meaning}</td>
            <td>${next}</td>
          </tr>`,
      )}
  </table>`
