/**
 * Every error that Berth shows to a person: a stable code, the HTTP status that fits, and a sentence that names the
 * cause, the value and the next step. An expected refusal inside the platform is a value, not one of these.
 */
export class BerthError extends Error {
  readonly code: string
  readonly status: number
  /** Further facts for machines, e.g. the fields that were refused. Never secrets. */
  readonly facts: Record<string, unknown>

  constructor(
    code: string,
    status: number,
    message: string,
    options: { cause?: unknown; facts?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'BerthError'
    this.code = code
    this.status = status
    this.facts = options.facts ?? {}
  }
}

export const badSetting = (name: string, value: string, expected: string) =>
  new BerthError('BAD_SETTING', 500, `${name} must be ${expected}, got ${JSON.stringify(value)}.`)

export const badRequest = (message: string, facts?: Record<string, unknown>) =>
  new BerthError('BAD_REQUEST', 400, message, facts ? { facts } : {})

export const notJson = (cause: unknown) =>
  new BerthError(
    'NOT_JSON',
    400,
    'The request body is not valid JSON. Send an object with Content-Type: application/json.',
    { cause },
  )

export const bodyTooLarge = (limitBytes: number) =>
  new BerthError(
    'BODY_TOO_LARGE',
    413,
    `The request body is larger than ${limitBytes} bytes, the most that this call takes.`,
  )

export const wrongMediaType = (got: string) =>
  new BerthError(
    'WRONG_MEDIA_TYPE',
    415,
    `The request body must be plain application/json in UTF-8, got ${JSON.stringify(got)}.`,
  )

export const wrongMethod = (method: string, allowed: string[]) =>
  new BerthError('WRONG_METHOD', 405, `${method} is not possible here; use ${allowed.join(' or ')}.`)

/** One answer for a missing, unknown, wrong, expired or revoked token, so that it tells an attacker nothing. */
export const unauthenticated = () =>
  new BerthError('UNAUTHENTICATED', 401, 'No valid API token was given. Run `berth login`, or set BERTH_TOKEN.')

export const tooManyStreams = (limit: number) =>
  new BerthError(
    'TOO_MANY_STREAMS',
    429,
    `Too many streams of live changes are open: ${limit} for one token or user, or all that the platform keeps. Close some, or ask for several topics with one.`,
  )

export const forbidden = (what: string) => new BerthError('FORBIDDEN', 403, `Your token does not allow this: ${what}.`)

export const notFound = (noun: string, name: string) =>
  new BerthError('NOT_FOUND', 404, `There is no ${noun} ${JSON.stringify(name)} here, or it is not yours.`)

export const appNameTaken = (name: string) =>
  new BerthError('NAME_TAKEN', 409, `The name ${JSON.stringify(name)} is taken. Choose another.`)

export const appNameReserved = (name: string) =>
  new BerthError('NAME_RESERVED', 422, `The name ${JSON.stringify(name)} is reserved for the platform. Choose another.`)

export const appNameMalformed = (name: string) =>
  new BerthError(
    'NAME_MALFORMED',
    422,
    `${JSON.stringify(name)} cannot be an app's name: use 2 to 30 lower-case letters, digits and single dashes, starting with a letter and not ending with a dash.`,
  )

export const tenantTaken = (id: string) =>
  new BerthError('TENANT_TAKEN', 409, `There is a tenant ${JSON.stringify(id)} already.`)

/** @param sentences who asks for what, how the plan falls short of it, and what to do */
export const quotaExceeded = (sentences: string, facts: Record<string, unknown>) =>
  new BerthError('QUOTA_EXCEEDED', 422, sentences, { facts })

export const belowUse = (process: string, usedMb: number, askedMb: number, atLeastMb: number) =>
  new BerthError(
    'BELOW_USE',
    409,
    `${process} uses ${usedMb} MB; --memory ${askedMb}M would kill it. Choose at least ${atLeastMb}M.`,
    { facts: { process, usedMb, askedMb, atLeastMb } },
  )

export const appPaused = (name: string, what: string) =>
  new BerthError('APP_PAUSED', 409, `${name} is paused, so ${what}. Resume it first: berth ps:resume -a ${name}`)

export const tenantSuspended = (tenant: string, reason: string) =>
  new BerthError(
    'TENANT_SUSPENDED',
    403,
    `${tenant} is suspended (${reason}): nothing of it runs or can be changed until it is resumed. Everything is kept; speak to the operator.`,
    { facts: { reason } },
  )

export const planTaken = (name: string) =>
  new BerthError(
    'PLAN_TAKEN',
    409,
    `There is a plan ${JSON.stringify(name)} already. Change it with: berth plans:update ${name}`,
  )

export const planInUse = (name: string, tenants: string[]) =>
  new BerthError(
    'PLAN_IN_USE',
    409,
    `The plan ${name} is used by ${tenants.join(', ')}. Give them another one first: berth tenants:set-plan ${tenants[0] ?? 'TENANT'} PLAN`,
    { facts: { tenants } },
  )

export const planBuiltIn = (name: string) =>
  new BerthError(
    'PLAN_BUILT_IN',
    409,
    `The plan ${name} is what tenants have whom nobody gave another; it cannot be destroyed. Change it with: berth plans:update ${name}`,
  )

export const coresTaken = (cores: string, tenant: string) =>
  new BerthError(
    'CORES_TAKEN',
    409,
    `The cores ${cores} are reserved for ${tenant}. Choose others, or free those first.`,
  )

export const domainRefused = (address: string, why: string) =>
  new BerthError('DOMAIN_REFUSED', 422, `${JSON.stringify(address.slice(0, 300))} cannot be a domain: ${why}.`)

export const domainTaken = (address: string) =>
  new BerthError(
    'DOMAIN_TAKEN',
    409,
    `${address} belongs to somebody else here, or overlaps with what does. If the name is yours, speak to the operator.`,
  )

export const domainInUse = (address: string, app: string) =>
  new BerthError(
    'DOMAIN_IN_USE',
    409,
    `${address} is a domain of ${app} already. To move it: berth domains:remove ${address} -a ${app}`,
  )

export const tooManyDomains = (app: string, most: number) =>
  new BerthError(
    'TOO_MANY_DOMAINS',
    422,
    `${app} has ${most} domains, the most that an app may have. Remove one, or use a wildcard like *.shop.example.`,
  )

export const confirmMismatch = (name: string) =>
  new BerthError('CONFIRM_MISMATCH', 422, `To destroy ${name}, confirm its exact name: --confirm ${name}`)

export const noRelease = (name: string) =>
  new BerthError(
    'NO_RELEASE',
    409,
    `${name} has no release yet. Push code to it first: berth git:remote -a ${name} && git push berth main`,
  )

export const nothingToRollBack = (name: string) =>
  new BerthError(
    'NO_EARLIER_RELEASE',
    409,
    `${name} has no earlier release that went live, so there is nothing to roll back to.`,
  )

export const releaseNotUsable = (version: number, why: string) =>
  new BerthError('RELEASE_NOT_USABLE', 409, `v${version} cannot be rolled back to: ${why}.`)

/** @param oldest that can be gone back to; null: none */
export const releaseCodeGone = (version: number, kept: number, oldest: number | null) =>
  new BerthError(
    'RELEASE_CODE_GONE',
    409,
    `v${version} cannot be rolled back to: its code is not kept any more, only that of the current release and of the last ${kept} before it. ${oldest === null ? 'There is none to go back to' : `The oldest to go back to is v${oldest}`}; to get v${version} back, push its commit again.`,
    { facts: { oldest } },
  )

export const runOver = (name: string) => new BerthError('RUN_OVER', 409, `${name} is over already.`)

export const jobUnderWay = (job: string, run: string, app: string) =>
  new BerthError(
    'JOB_UNDER_WAY',
    409,
    `${run} of the job ${job} is under way, and the job may not run twice at a time. Stop it first: berth ps:stop ${run} -a ${app}`,
  )

export const runNotAttachable = (name: string, why: string) =>
  new BerthError('RUN_NOT_ATTACHABLE', 409, `Nobody can be attached to ${name}: ${why}.`)

export const instanceNotRunning = (name: string, state: string) =>
  new BerthError('INSTANCE_NOT_RUNNING', 409, `${name} is ${state}: only what runs can be entered. See berth ps.`)

export const tooManySessions = (app: string, most: number) =>
  new BerthError(
    'TOO_MANY_SESSIONS',
    429,
    `${most} commands and forwarded connections are inside instances of ${app} already, which is the most. End one first.`,
  )

export const unknownProcessType = (type: string, known: string[]) =>
  new BerthError(
    'UNKNOWN_PROCESS_TYPE',
    422,
    `There is no process type ${JSON.stringify(type)}; this app has: ${known.join(', ') || 'none yet'}.`,
  )

export const usagePeriodEmpty = (from: string, to: string) =>
  badRequest(`There is no time between from (${from}) and to (${to}). Ask for a from that is earlier.`)

export const usageNotKept = (step: string, length: number, unit: string, since: string) =>
  badRequest(
    `What was used is kept by the ${step} for ${length} ${unit}: ask for a from after ${since}${step === 'day' ? '' : ', or for coarser steps'}.`,
  )

export const usageTooLong = (steps: number, most: number) =>
  badRequest(
    `The answer could have ${steps} steps, more than ${most}. Ask for a shorter time, for coarser steps, or for one app.`,
  )

export const slugCorrupt = (digest: string, found: string) =>
  new BerthError(
    'SLUG_CORRUPT',
    500,
    `Layer ${digest} does not match its checksum (found ${found}). It was not mounted; deploy again to rebuild it.`,
  )

export const notPackable = (why: string) =>
  new BerthError('NOT_PACKABLE', 422, `The build's files cannot become a slug: ${why}. Remove it and push again.`)

export const stackNotBuilt = (name: string) =>
  new BerthError('STACK_NOT_BUILT', 409, `The stack ${name} has not been built, or not yet. See: berth stacks`)

export const stackCorrupt = (name: string, cause: unknown) =>
  new BerthError(
    'STACK_CORRUPT',
    500,
    `The image of the stack ${name} does not match its checksum. It was not mounted, and is fetched again with the next start.`,
    { cause },
  )

export const stackInUse = (name: string, why: string) =>
  new BerthError('STACK_IN_USE', 409, `The stack ${name} cannot be destroyed: ${why}.`)

export const stackIncompatible = (name: string, apps: string[]) =>
  new BerthError(
    'STACK_INCOMPATIBLE',
    409,
    `${name} is of another Debian release than these apps were built on: ${apps.slice(0, 10).join(', ')}${apps.length > 10 ? ` and ${apps.length - 10} more` : ''}. Push them again once it is in use; to put it into use all the same, add --force.`,
    { facts: { apps } },
  )

export const noEarlierStack = () =>
  new BerthError(
    'NO_EARLIER_STACK',
    409,
    'There is no stack to go back to: none was in use before this one. See: berth stacks',
  )

export const noHostForStack = () =>
  new BerthError('NO_HOST', 409, 'No host takes work, so none can build a stack. See: berth hosts')

/** @param nearest versions that there are, those nearest to the range */
export const runtimeNotFound = (name: string, range: string, nearest: string[] = []) =>
  new BerthError(
    'RUNTIME_NOT_FOUND',
    422,
    `No published version of ${name} satisfies ${JSON.stringify(range)}. ` +
      (nearest.length > 0 ? `The nearest are ${nearest.join(', ')}. ` : '') +
      'Change the version your app asks for.',
    { facts: { nearest } },
  )

export const runtimeNotInStack = (name: string, range: string, there: string[]) =>
  new BerthError(
    'RUNTIME_NOT_FOUND',
    422,
    `No ${name} of the stack satisfies ${JSON.stringify(range)}: there is ${there.join(' and ')}. Change the version your app asks for.`,
  )

export const layerMismatch = (digest: string, found: string) =>
  new BerthError(
    'LAYER_MISMATCH',
    422,
    `The bytes sent as layer ${digest} have the checksum ${found}. Nothing was kept; send them again.`,
  )

export const sshKeyRefused = (why: string) =>
  new BerthError('SSH_KEY_REFUSED', 422, `This cannot be an SSH key: ${why}.`)

/** Not whose it is: that a stranger uses Berth is nobody's business. */
export const sshKeyTaken = (fingerprint: string) =>
  new BerthError(
    'SSH_KEY_TAKEN',
    409,
    `The key ${fingerprint} is in use already, and a key lets in one tenant. If it is yours, remove it first (berth keys), or make another: ssh-keygen -t ed25519`,
  )

export const tooManySshKeys = (tenant: string, most: number) =>
  new BerthError(
    'TOO_MANY_SSH_KEYS',
    422,
    `${tenant} has ${most} SSH keys, the most that a tenant may have. Remove one: berth keys:remove`,
  )

export const gitBusy = () =>
  new BerthError(
    'GIT_BUSY',
    503,
    'Too many pushes and fetches are under way, yours or all together. Try again in a minute.',
  )

export const repositoryFull = (app: string, usedBytes: number, maxBytes: number) =>
  new BerthError(
    'REPOSITORY_FULL',
    413,
    `The repository of ${app} holds ${mega(usedBytes)} MB, and ${mega(maxBytes)} MB is the most. Push without history: git push --force berth $(git commit-tree -m deploy HEAD^{tree}):refs/heads/main; or deploy without git: berth deploy`,
  )

const mega = (bytes: number): number => Math.round(bytes / 1024 ** 2)

export const folderNotUsable = (setting: string, path: string, cause: unknown) =>
  new BerthError(
    'FOLDER_NOT_USABLE',
    500,
    `The folder ${path} cannot be used: ${messageOf(cause)}. Make it writable for this user, or set ${setting} to another folder.`,
    { cause },
  )

export const slugStoreNotUsable = (name: string, why: string, cause: unknown) =>
  new BerthError('SLUG_STORE_NOT_USABLE', 500, `The slug store ${name} (BERTH_SLUG_STORE) cannot be used: ${why}.`, {
    cause,
  })

/** @param why what is wrong with it, without a full stop */
export const slugFileRefused = (why: string) =>
  new BerthError(
    'SLUG_FILE_REFUSED',
    422,
    `The file cannot be taken as a slug: ${why}. Make one with: berth slugs:download, or berth apps:export`,
  )

export const addressInUse = (setting: string, address: string, port: number, holder: string | null = null) =>
  new BerthError(
    'ADDRESS_IN_USE',
    500,
    `Port ${port} on ${address} is taken by another program${holder ? ` (${holder})` : ''}. Stop that one, or set ${setting} to a free port.`,
  )

export const certificateRefused = (why: string) => new BerthError('CERTIFICATE_REFUSED', 422, why)

/** @param owner an app's name, a tenant's id, or "the platform" */
export const tooManyWebhooks = (owner: string, most: number) =>
  new BerthError(
    'TOO_MANY_WEBHOOKS',
    422,
    `There are ${most} webhooks of ${owner}, the most that are possible. Remove one: berth webhooks:remove`,
  )

export const webhookOff = (id: string) =>
  new BerthError(
    'WEBHOOK_OFF',
    409,
    `The webhook ${id} is turned off, so nothing is sent to it. Turn it on with: berth webhooks:on ${id}`,
  )

/** @param why without a full stop */
export const outboundRefused = (why: string) =>
  new BerthError(
    'OUTBOUND_REFUSED',
    422,
    `${why}. Private networks are reached only where the operator names them (BERTH_OUTBOUND_NETWORKS).`,
  )

/** @param why without a full stop */
export const outboundFailed = (why: string, cause?: unknown) =>
  new BerthError('OUTBOUND_FAILED', 502, `${why}.`, { cause })
export const backupRefused = (why: string) =>
  new BerthError('BACKUP_REFUSED', 422, `This backup cannot be used: ${why}. Nothing was changed.`)

export const conflictingBackup = () =>
  new BerthError('BACKUP_UNDER_WAY', 409, 'A backup is being made by this controller already. Wait for its end.')

export const homeNotEmpty = (what: string) =>
  new BerthError(
    'HOME_NOT_EMPTY',
    409,
    `There is a Berth here already: ${what}. Restore to an empty data folder and an empty Redis; or give --force, which moves the files aside and replaces the state.`,
  )

export const stateNotReadable = (cause: unknown) =>
  new BerthError(
    'STATE_NOT_READABLE',
    502,
    "The state cannot be copied: Redis did not hand it out by replication (redis-cli --rdb), or this machine's redis-server cannot read it. Back it up by Redis's own means, and BERTH_HOME by yours.",
    { cause },
  )

export const hostLives = (id: string) =>
  new BerthError(
    'HOST_LIVES',
    409,
    `Host ${JSON.stringify(id)} is live. Drain it (berth hosts:drain ${id}), end its agent, and remove it then.`,
  )

export const hostInUse = (id: string, instances: number) =>
  new BerthError(
    'HOST_IN_USE',
    409,
    `${instances} instances of host ${JSON.stringify(id)} are not placed elsewhere yet. Wait until they are, or give the other hosts room for them.`,
    { facts: { instances } },
  )

export const auditNotWritten = (cause: unknown) =>
  new BerthError(
    'AUDIT_NOT_WRITTEN',
    503,
    'The audit log could not be written, so nothing is vouched for. Look whether what you asked for was done, and ask again if it was not.',
    { cause },
  )

export const tooManyRequests = (retryAfterSeconds: number) =>
  new BerthError(
    'TOO_MANY_REQUESTS',
    429,
    `You ask more often than this API allows. Wait ${retryAfterSeconds} seconds, and ask again; RateLimit-Policy says how often you may.`,
    { facts: { retryAfter: retryAfterSeconds } },
  )

export const unavailable = (what: string, cause?: unknown) =>
  new BerthError(
    'UNAVAILABLE',
    503,
    `${what} cannot be reached at the moment. Nothing was changed; try again in a few seconds.`,
    { cause },
  )

export const internal = (cause: unknown) =>
  new BerthError(
    'INTERNAL',
    500,
    'Something went wrong inside Berth. The operator finds the cause in the log under the request id.',
    { cause },
  )

/** @param deploy one that is over, or whose release takes over already */
export const deployNotCancellable = (
  app: string,
  { id, state, release }: { id: string; state: string; release: number | null },
) =>
  new BerthError(
    'NOT_CANCELLABLE',
    409,
    state === 'rolling'
      ? `${id} goes live as v${release ?? 0} already, so it cannot be cancelled any more. Go back with: berth rollback -a ${app}`
      : `${id} is over already (${state}).`,
    { facts: { state } },
  )

/** The sentence of any thrown thing, for logs and for wrapping. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
