/**
 * Every code of an error that Berth shows to a person, for those who handle them and for docs/errors.md, which is made from
 * this (`node scripts/error-docs.ts`). Codes are stable: they are added, and never change what they mean.
 */
export type CodeMeaning = {
  /** HTTP's, where the API answers it. */
  status: number
  /** Where it is met: as an answer of the API, in the words of a deploy that failed, or where a process does not start. */
  met: 'API' | 'deploy' | 'start'
  meaning: string
  next: string
}

export const errorCodes: Record<string, CodeMeaning> = {
  // ── of any call
  BAD_REQUEST: {
    status: 400,
    met: 'API',
    meaning:
      'A field, a parameter or a value is not one that this call takes. `problems`, where it is there, names each.',
    next: 'Read the detail, change what it names, and call again.',
  },
  NOT_JSON: {
    status: 400,
    met: 'API',
    meaning: 'The body is not JSON.',
    next: 'Send a JSON object with `Content-Type: application/json`.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    met: 'API',
    meaning: 'The body is larger than this call takes.',
    next: 'Send less. What may be uploaded as source is the operator’s to raise (BERTH_SOURCE_MB).',
  },
  WRONG_MEDIA_TYPE: {
    status: 415,
    met: 'API',
    meaning: 'The body is of a kind that this call does not take, or compressed.',
    next: 'Send what the reference says of the call: `application/json`, or `application/x-tar` for uploads.',
  },
  WRONG_METHOD: {
    status: 405,
    met: 'API',
    meaning: 'There is such a path, but not with this method. `Allow` lists those that there are.',
    next: 'Use one of those.',
  },
  UNAUTHENTICATED: {
    status: 401,
    met: 'API',
    meaning:
      'Nothing that lets anyone in was shown: no token, or one that is unknown, expired or revoked. Which, it does not say.',
    next: 'Run `berth login`, or set BERTH_TOKEN.',
  },
  FORBIDDEN: {
    status: 403,
    met: 'API',
    meaning: 'You may see it, and may not do this to it.',
    next: 'Ask an owner of the tenant, or the operator, for the role that the detail names.',
  },
  NOT_FOUND: {
    status: 404,
    met: 'API',
    meaning: 'There is nothing of this name here, or it is somebody else’s: the two are answered alike.',
    next: 'Check the name, and whose token you use: `berth whoami`.',
  },
  CURSOR_REFUSED: {
    status: 400,
    met: 'API',
    meaning: 'The cursor is not one that this list has given.',
    next: 'Begin again without a cursor; follow `next` as it is, with the same filters.',
  },
  IDEMPOTENCY_KEY_REFUSED: {
    status: 400,
    met: 'API',
    meaning: 'The Idempotency-Key is empty, too long, or has characters that it may not have.',
    next: 'Use 1 to 200 printable ASCII characters, such as a UUID.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    met: 'API',
    meaning: 'This Idempotency-Key was used within the last 24 hours for another call or another body.',
    next: 'Make a new key for each thing that you create; use the same one only to repeat the same call.',
  },
  CALL_UNDER_WAY: {
    status: 409,
    met: 'API',
    meaning: 'The first call with this Idempotency-Key is still under way.',
    next: 'Wait as long as `Retry-After` says, and repeat the call with the same key.',
  },
  OUTCOME_UNKNOWN: {
    status: 409,
    met: 'API',
    meaning:
      'The first call with this Idempotency-Key began and never ended, because the controller stopped: nobody knows whether it created anything.',
    next: 'Look whether it is there; if it is not, call again with a new key.',
  },
  PRECONDITION_FAILED: {
    status: 412,
    met: 'API',
    meaning: 'What is to be changed is not as `If-Match` says any more: somebody else has changed it meanwhile.',
    next: 'Read it again, decide again, and send the change with the new ETag.',
  },
  UNAVAILABLE: {
    status: 503,
    met: 'API',
    meaning: 'A part that Berth needs, like Redis, does not answer. Nothing was changed.',
    next: 'Try again in a few seconds.',
  },
  INTERNAL: {
    status: 500,
    met: 'API',
    meaning: 'Something went wrong inside Berth.',
    next: 'Give the operator the request id: the cause stands in the log under it.',
  },

  JOIN_TOKEN_REFUSED: {
    status: 401,
    met: 'API',
    meaning: 'The join token is not one for a host of this name, was used, or is older than ten minutes.',
    next: 'Make a new one: `berth hosts:add HOST`.',
  },
  HOST_NOT_ENROLLED: {
    status: 401,
    met: 'API',
    meaning:
      'The listener for agents was asked by somebody who is no host: without a certificate, or with one that is foreign, expired or revoked. `reason` says which.',
    next: 'Where it is a host of yours, let it in again: `berth hosts:add HOST`, and set BERTH_JOIN_TOKEN there.',
  },

  // ── apps
  NAME_TAKEN: {
    status: 409,
    met: 'API',
    meaning: 'An app has this name already; it may be somebody else’s.',
    next: 'Choose another.',
  },
  NAME_RESERVED: {
    status: 422,
    met: 'API',
    meaning: 'The platform keeps this name for itself.',
    next: 'Choose another.',
  },
  NAME_MALFORMED: {
    status: 422,
    met: 'API',
    meaning: 'This cannot be an app’s name, which becomes part of host names.',
    next: 'Use 2 to 30 lower-case letters, digits and single dashes, a letter first and no dash last.',
  },
  CONFIRM_MISMATCH: {
    status: 422,
    met: 'API',
    meaning: 'What is to be destroyed was not named in the confirmation.',
    next: 'Give its exact name: `--confirm NAME`.',
  },
  UNKNOWN_PROCESS_TYPE: {
    status: 422,
    met: 'API',
    meaning: 'The app’s newest release has no process type of this name.',
    next: 'Use one of those that the detail names, or add it to the Procfile and push.',
  },
  BELOW_USE: {
    status: 409,
    met: 'API',
    meaning: 'The process uses more memory now than it would be left with, and would be killed.',
    next: 'Choose at least what the detail names.',
  },
  APP_PAUSED: {
    status: 409,
    met: 'API',
    meaning: 'The app is paused, and a paused app is not changed.',
    next: '`berth ps:resume -a APP`',
  },

  // ── code
  NO_RELEASE: { status: 409, met: 'API', meaning: 'The app has no release yet.', next: 'Push code to it.' },
  NO_EARLIER_RELEASE: {
    status: 409,
    met: 'API',
    meaning: 'No earlier release of the app ever went live.',
    next: 'Push the code that you want.',
  },
  RELEASE_NOT_USABLE: {
    status: 409,
    met: 'API',
    meaning: 'This release cannot be gone back to: it runs now, never went live, or changed sizes only.',
    next: 'Choose another: `berth releases -a APP`',
  },
  RELEASE_CODE_GONE: {
    status: 409,
    met: 'API',
    meaning: 'The code of this release is not kept any more. `oldest` is the oldest that can be gone back to.',
    next: 'Go back to that one, or push the commit again.',
  },
  NOT_CANCELLABLE: {
    status: 409,
    met: 'API',
    meaning: 'The build is over, or its release takes over already.',
    next: 'To undo a release: `berth rollback -a APP`',
  },
  SLUG_FILE_REFUSED: {
    status: 422,
    met: 'API',
    meaning: 'The file is not a slug, or is damaged.',
    next: 'Make one with `berth slugs:download` or `berth apps:export`.',
  },
  GIT_BUSY: {
    status: 503,
    met: 'API',
    meaning: 'Too many pushes, fetches and uploads are under way.',
    next: 'Try again in a minute.',
  },
  REPOSITORY_FULL: {
    status: 413,
    met: 'API',
    meaning: 'The app’s git repository may not become larger.',
    next: 'Push without history, as the detail shows, or deploy without git: `berth deploy`',
  },
  NOT_PACKABLE: {
    status: 422,
    met: 'deploy',
    meaning: 'The files that the build made cannot become a slug.',
    next: 'Remove what the detail names, and push again.',
  },
  RUNTIME_NOT_FOUND: {
    status: 422,
    met: 'deploy',
    meaning: 'There is no runtime of the version that the app asks for.',
    next: 'Ask for one that there is; the detail names the nearest.',
  },
  LAYER_MISMATCH: {
    status: 422,
    met: 'deploy',
    meaning: 'A layer did not arrive as it was sent.',
    next: 'Deploy again.',
  },
  SLUG_CORRUPT: {
    status: 500,
    met: 'deploy',
    meaning: 'A layer on a disk is not what it was, and was not mounted.',
    next: 'Deploy again; tell the operator, since a disk may be failing.',
  },

  // ── running once, and by the clock
  RUN_OVER: { status: 409, met: 'API', meaning: 'The run has ended already.', next: 'Begin another: `berth run`' },
  RUN_NOT_ATTACHABLE: {
    status: 409,
    met: 'API',
    meaning: 'Nobody can be attached to the run: it was not begun for that, somebody is already, or it is over.',
    next: 'Read its output in the logs: `berth logs -p run.N`',
  },
  JOB_UNDER_WAY: {
    status: 409,
    met: 'API',
    meaning: 'A run of the job is under way, and its overlap does not allow another.',
    next: 'Wait for it, or stop it: `berth ps:stop run.N`',
  },

  // ── quotas, tenants and plans
  QUOTA_EXCEEDED: {
    status: 422,
    met: 'API',
    meaning: 'The tenant’s plan does not allow so much. The facts say what is asked for, promised and allowed.',
    next: 'Take less, free something, or ask the operator for another plan.',
  },
  TENANT_TAKEN: { status: 409, met: 'API', meaning: 'There is a tenant of this name.', next: 'Choose another name.' },
  TENANT_SUSPENDED: {
    status: 403,
    met: 'API',
    meaning:
      'An operator, or a budget that is used up, has stopped the tenant. Everything is kept, and can be looked at.',
    next: 'Speak to the operator.',
  },
  PLAN_TAKEN: {
    status: 409,
    met: 'API',
    meaning: 'There is a plan of this name.',
    next: 'Change it: `berth plans:update NAME`',
  },
  PLAN_IN_USE: {
    status: 409,
    met: 'API',
    meaning: 'Tenants have this plan, so that it cannot be destroyed. `tenants` names them.',
    next: 'Give them another first: `berth tenants:set-plan TENANT PLAN`',
  },
  PLAN_BUILT_IN: {
    status: 409,
    met: 'API',
    meaning: 'The default plan cannot be destroyed.',
    next: 'Change it: `berth plans:update default`',
  },
  CORES_TAKEN: {
    status: 409,
    met: 'API',
    meaning: 'Another tenant has these cores for itself.',
    next: 'Choose others, or free those first.',
  },

  // ── domains, certificates, keys
  DOMAIN_REFUSED: {
    status: 422,
    met: 'API',
    meaning: 'This cannot be a domain.',
    next: 'Give a host name, with a path if you like: shop.example/api',
  },
  DOMAIN_TAKEN: {
    status: 409,
    met: 'API',
    meaning: 'The domain is somebody else’s here, or overlaps with one that is.',
    next: 'If the name is yours, speak to the operator.',
  },
  DOMAIN_IN_USE: {
    status: 409,
    met: 'API',
    meaning: 'Another of your apps has the domain.',
    next: 'Remove it there first: `berth domains:remove ADDRESS -a APP`',
  },
  TOO_MANY_DOMAINS: {
    status: 422,
    met: 'API',
    meaning: 'The app has as many domains as an app may have.',
    next: 'Remove one, or use a wildcard.',
  },
  CERTIFICATE_REFUSED: {
    status: 422,
    met: 'API',
    meaning: 'The certificate or the key cannot be used: the detail says which and why.',
    next: 'Give the whole chain and the key that belongs to it, both as PEM.',
  },
  SSH_KEY_REFUSED: {
    status: 422,
    met: 'API',
    meaning: 'This cannot be an SSH key that lets anyone in.',
    next: 'Give the line of a `.pub` file; make one with `ssh-keygen -t ed25519`.',
  },
  SSH_KEY_TAKEN: {
    status: 409,
    met: 'API',
    meaning: 'The key is in use already.',
    next: 'If it is yours, remove it first; or make another.',
  },
  TOO_MANY_SSH_KEYS: {
    status: 422,
    met: 'API',
    meaning: 'The tenant has as many SSH keys as it may have.',
    next: 'Remove one: `berth keys:remove`',
  },

  // ── people, hosts and what the platform reaches
  WRONG_LOGIN: {
    status: 401,
    met: 'API',
    meaning:
      'The e-mail address and the password are not those of an account here. Which of the two is wrong, it does not say.',
    next: 'Check both; an operator can send you a login link.',
  },
  TOTP_REQUIRED: {
    status: 401,
    met: 'API',
    meaning: 'The password is right, and the account has a second factor.',
    next: 'Send the code of your authenticator app, or a recovery code, as `totp`.',
  },
  WRONG_TOTP: {
    status: 401,
    met: 'API',
    meaning: 'The code is not the one of this moment, or was used already.',
    next: 'Wait for the next one, and check the clock of the device that shows it.',
  },
  TOO_MANY_ATTEMPTS: {
    status: 429,
    met: 'API',
    meaning:
      'Signing in failed too often, for this account or from this address. `Retry-After` says when it is possible again.',
    next: 'Wait. Your password works again then; an operator’s login link works now.',
  },
  BUSY: {
    status: 503,
    met: 'API',
    meaning: 'More people sign in at this moment than passwords can be checked.',
    next: 'Try again in a few seconds.',
  },
  CODE_NOT_VALID: {
    status: 401,
    met: 'API',
    meaning: 'A login link, an invitation or a recovery code was used, is too old, or was taken back.',
    next: 'Ask whoever gave it to you for a new one.',
  },
  INSECURE_SIGN_IN: {
    status: 403,
    met: 'API',
    meaning: 'Sessions need https at the address in BERTH_CONSOLE_URL, or http on the machine itself.',
    next: 'Use that address, or an API token.',
  },
  SESSION_NEEDED: {
    status: 403,
    met: 'API',
    meaning: 'What changes how you sign in needs you to be signed in with your own account; a token is not enough.',
    next: 'Sign in to the console, or use `berth account:password` and `berth account:totp`.',
  },
  EMAIL_TAKEN: {
    status: 409,
    met: 'API',
    meaning: 'There is an account with this e-mail address.',
    next: 'Add that account to the tenant, or use another address.',
  },
  PASSWORD_REFUSED: {
    status: 422,
    met: 'API',
    meaning: 'The new password is too short, too long, or the old one.',
    next: 'Choose another; a few random words are better than one with signs in it.',
  },
  LAST_OWNER: {
    status: 409,
    met: 'API',
    meaning: 'The tenant would have no owner left.',
    next: 'Make somebody else an owner first.',
  },
  INVITATION_FOR_ANOTHER: {
    status: 403,
    met: 'API',
    meaning: 'The invitation is for another e-mail address than the account’s that you are signed in with.',
    next: 'Sign in with that one, or ask for an invitation of yours.',
  },
  SIGN_IN_FIRST: {
    status: 409,
    met: 'API',
    meaning: 'The invited address has an account already.',
    next: 'Sign in with it, and accept the invitation then.',
  },
  TOO_MANY: {
    status: 422,
    met: 'API',
    meaning: 'There are as many of these as are possible.',
    next: 'Remove some that are not used.',
  },
  TOTP_IS_ON: {
    status: 409,
    met: 'API',
    meaning: 'The account has a second factor already.',
    next: 'Turn it off first, with one of its codes.',
  },
  TOTP_NOT_BEGUN: {
    status: 409,
    met: 'API',
    meaning: 'There is no second factor that waits to be confirmed.',
    next: 'Begin with `berth account:totp`.',
  },
  TOO_MANY_STREAMS: {
    status: 429,
    met: 'API',
    meaning: 'Too many streams of live changes are open.',
    next: 'Close some, or ask for several topics with one.',
  },
  INSTANCE_NOT_RUNNING: {
    status: 409,
    met: 'API',
    meaning: 'Nobody can get into an instance that does not run.',
    next: 'Choose one that does: `berth ps`.',
  },
  TOO_MANY_SESSIONS: {
    status: 429,
    met: 'API',
    meaning: 'As many commands and connections are inside instances of this app as are possible.',
    next: 'End one first.',
  },
  TOO_MANY_WEBHOOKS: {
    status: 422,
    met: 'API',
    meaning: 'There are as many webhooks here as are possible.',
    next: 'Remove one: `berth webhooks:remove`.',
  },
  WEBHOOK_OFF: {
    status: 409,
    met: 'API',
    meaning: 'The webhook is turned off, so nothing is sent to it.',
    next: 'Turn it on: `berth webhooks:on`.',
  },
  OUTBOUND_REFUSED: {
    status: 422,
    met: 'API',
    meaning:
      'The platform does not connect to this address: it is private, the platform’s own, or not written as an https URL.',
    next: 'Use a public https address; an operator can name private networks in BERTH_OUTBOUND_NETWORKS.',
  },
  OUTBOUND_FAILED: {
    status: 502,
    met: 'API',
    meaning: 'What was to be reached did not answer as it should.',
    next: 'Look whether it runs, and read the detail.',
  },
  BACKUP_REFUSED: {
    status: 422,
    met: 'API',
    meaning: 'The backup is broken, sealed with another passphrase, or of another version. Nothing was changed.',
    next: 'Use another copy, or the passphrase that it was made with.',
  },
  BACKUP_UNDER_WAY: {
    status: 409,
    met: 'API',
    meaning: 'A backup is being made already.',
    next: 'Wait for its end.',
  },
  HOME_NOT_EMPTY: {
    status: 409,
    met: 'API',
    meaning: 'There is a Berth where the backup should be restored to.',
    next: 'Restore to an empty data folder and an empty Redis, or give `--force`.',
  },
  STATE_NOT_READABLE: {
    status: 502,
    met: 'API',
    meaning: 'Redis did not hand out its state, or it could not be read here.',
    next: 'Back it up by Redis’s own means.',
  },
  HOST_LIVES: {
    status: 409,
    met: 'API',
    meaning: 'The host is live, so it cannot be removed.',
    next: 'Drain it (`berth hosts:drain`), end its agent, and remove it then.',
  },
  HOST_IN_USE: {
    status: 409,
    met: 'API',
    meaning: 'Instances are still assigned to the host.',
    next: 'Drain it first: `berth hosts:drain`.',
  },
  AUDIT_NOT_WRITTEN: {
    status: 503,
    met: 'API',
    meaning: 'The audit log could not be written, so nothing is vouched for.',
    next: 'Look whether what you asked for was done, and ask again if it was not.',
  },
  TOO_MANY_REQUESTS: {
    status: 429,
    met: 'API',
    meaning:
      'More calls than this caller, or this address, may make. `RateLimit` and `Retry-After` say when there are more.',
    next: 'Wait, and call less often; follow `GET /live` instead of asking again and again.',
  },
  // ── the platform
  NO_HOST: { status: 409, met: 'API', meaning: 'No host takes work, so none can do this.', next: '`berth hosts`' },
  STACK_NOT_BUILT: { status: 409, met: 'API', meaning: 'The stack has no image, or none yet.', next: '`berth stacks`' },
  STACK_IN_USE: {
    status: 409,
    met: 'API',
    meaning: 'Something runs on the stack, or may be put back onto it.',
    next: 'Put another into use first.',
  },
  STACK_INCOMPATIBLE: {
    status: 409,
    met: 'API',
    meaning: 'The stack is of another Debian release than apps were built on. `apps` names them.',
    next: 'Push them again once it is in use; to put it into use all the same, add `--force`.',
  },
  NO_EARLIER_STACK: {
    status: 409,
    met: 'API',
    meaning: 'No stack was in use before this one.',
    next: '`berth stacks`',
  },
  STACK_CORRUPT: {
    status: 500,
    met: 'deploy',
    meaning: 'The image of a stack is not what was built, and was not mounted.',
    next: 'Nothing: it is fetched again with the next start.',
  },
  BAD_SETTING: {
    status: 500,
    met: 'start',
    meaning: 'A setting of a process cannot be read.',
    next: 'Set what the detail names.',
  },
  FOLDER_NOT_USABLE: {
    status: 500,
    met: 'start',
    meaning: 'A folder that a process needs cannot be written.',
    next: 'Make it writable, or name another in the setting that the detail names.',
  },
  SLUG_STORE_NOT_USABLE: {
    status: 500,
    met: 'start',
    meaning: 'Where slugs are to be kept (BERTH_SLUG_STORE) cannot be used.',
    next: 'Check the setting, and that the store can be reached.',
  },
  ADDRESS_IN_USE: {
    status: 500,
    met: 'start',
    meaning: 'Another program has the port.',
    next: 'Stop it, or set another port.',
  },
}

/** Those that the API answers. */
export const apiErrorCodes: string[] = Object.keys(errorCodes).filter((code) => errorCodes[code]?.met !== 'start')
