/** The sentences of the API's document that are about no operation alone. */
import type { Need } from '#core/domain/access.ts'

export const introduction = `Everything that Berth does, it does by this API: the \`berth\` command and the console are its clients.

Show who you are with \`Authorization: Bearer TOKEN\`. Bodies are JSON objects of at most 256 KiB, in which a field that is not
known is an error. Errors are problem documents (RFC 9457) with a stable \`code\`. Answers may get further fields: ignore those that you do not know.
Lists that can grow are read in pages with \`limit\` and \`cursor\`; calls that create take an \`Idempotency-Key\`; settings have an \`ETag\`.
More in docs/api.md and docs/errors.md.`

/** Who may call it. */
export const needTexts: Record<Need, string> = {
  public: 'For everyone, without signing in.',
  'anyone:read': 'For everyone; shows what is the caller’s.',
  'anyone:write': 'For everyone whose token may change things; what it is about must be the caller’s.',
  'platform:read': 'For operators.',
  'platform:write': 'For operators.',
  'app:read': 'For whoever belongs to the app’s tenant: viewers, members, owners; and operators.',
  'app:write': 'For members and owners of the app’s tenant, and operators.',
  'app:own': 'For owners of the app’s tenant, and operators.',
  'app:operate': 'For operators.',
  'tenant:read': 'For whoever belongs to the tenant: viewers, members, owners; and operators.',
  'tenant:write': 'For members and owners of the tenant, and operators.',
  'tenant:own': 'For owners of the tenant, and operators.',
  'tenant:operate': 'For operators.',
}

export const pathNames: Record<string, string> = {
  app: 'The app’s name.',
  tenant: 'The tenant’s name.',
  build: 'The build’s id.',
  deploy: 'The deploy’s id.',
  version: 'The release, as v12 or 12.',
  release: 'The release, as v12 or 12, or current.',
  address: 'The domain, as shop.example or, with a path, shop.example%2Fapi.',
  certificate: 'The certificate’s id.',
  user: 'The user’s name.',
  run: 'The run, as run.12 or its id.',
  job: 'The job’s name.',
  plan: 'The plan’s name.',
  token: 'The token’s id.',
  key: 'The key’s id or fingerprint.',
  host: 'The host’s id.',
  stack: 'The stack’s name.',
  person: 'The account’s id or e-mail address.',
  session: 'The session’s id.',
  membership: 'The tenant’s name.',
  invitation: 'The invitation’s id.',
  drain: 'The drain’s id.',
  webhook: 'The webhook’s id.',
  delivery: 'The delivery’s id, which is the message’s.',
  template: 'The sample app’s name.',
}

export const sessionText =
  'The cookie of POST /v1/session. It counts for requests that the console’s own pages send, which browsers say in Sec-Fetch-Site.'
export const sessionOnLoopbackText = 'The same on the machine itself, by plain http.'

export const problemTexts: Record<string, string> = {
  304: 'It is as you have it.',
  400: 'What was sent is not what the call takes.',
  401: 'No valid token or session was shown, or what should sign you in is wrong.',
  403: 'You may see it, and may not do this.',
  404: 'There is no such thing, or it is not yours.',
  412: 'It has changed since you read it.',
  413: 'The body is too large.',
  415: 'The body is of another kind.',
  default: 'Any other refusal.',
}
