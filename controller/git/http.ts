/** Git's smart HTTP protocol at /git/APP.git: who may, which repository, then `git http-backend` as CGI. */
import type { Request, RequestHandler } from 'express'
import type { App } from '#core/domain/app.ts'
import { notFound } from '#core/domain/errors.ts'
import { findAppFor } from '../api/access.ts'
import { callerOf } from '../api/auth.ts'
import type { ApiContext } from '../api/context.ts'
import { runCgi } from './cgi.ts'
import { receive } from './receive.ts'
import { asGitUser, MAX_PUSH_MB } from './settings.ts'

/** More than git's own limit, so that git is the one to say so. */
const MAX_BODY_BYTES = (MAX_PUSH_MB + 64) * 1024 * 1024
export const BODY_TIMEOUT_MS = 30 * 60_000

/** The three calls of the protocol; everything else of a repository is not there. */
const CALL = /^\/([a-z0-9-]{1,63})\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/
const METHODS: Record<string, string> = {
  'info/refs': 'GET',
  'git-upload-pack': 'POST',
  'git-receive-pack': 'POST',
}

export function gitHttp(context: ApiContext): RequestHandler {
  return async (req, res) => {
    const [, name, call] = CALL.exec(req.path) ?? []
    if (name === undefined || call === undefined || METHODS[call] !== req.method) throw notFound('page', req.path)
    const { actor } = callerOf(req)
    const app = await findAppFor(callerOf(req), context.store, name)
    await context.repositories.ensure(app.id)
    const isPush = call === 'git-receive-pack'
    const cgi = runCgi(req, res, {
      argv: ['git', 'http-backend'],
      env: { ...context.repositories.env, ...cgiEnvironment(req, app, call, context.repositories.root) },
      ...asGitUser,
      withSocket: isPush,
      maxBodyBytes: MAX_BODY_BYTES,
      bodyTimeoutMs: BODY_TIMEOUT_MS,
    })
    if (cgi.socket) {
      const push = { app, actor, socket: cgi.socket, ended: cgi.ended, accepted: cgi.outliveClient }
      await Promise.all([cgi.answered, receive(push, context)])
    } else {
      await cgi.answered
    }
  }
}

/** RFC 3875 §4.1. The path is made from the app's id; what the client sent goes no further than its query and types. */
function cgiEnvironment(req: Request, app: App, call: string, root: string): Record<string, string> {
  const query = req.originalUrl.split('?')[1] ?? ''
  return {
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: `/${app.id}.git/${call}`,
    REQUEST_METHOD: req.method,
    QUERY_STRING: /^[\w=&-]{0,200}$/.test(query) ? query : '',
    REMOTE_USER: 'berth',
    ...header(req, 'content-type', 'CONTENT_TYPE', /^[\w/+.-]{1,100}$/),
    ...header(req, 'content-length', 'CONTENT_LENGTH', /^\d{1,15}$/),
    ...header(req, 'content-encoding', 'HTTP_CONTENT_ENCODING', /^[\w-]{1,20}$/),
    ...header(req, 'git-protocol', 'GIT_PROTOCOL', /^[\w=:.-]{1,100}$/),
  }
}

function header(req: Request, name: string, variable: string, shape: RegExp): Record<string, string> {
  const value = req.headers[name]
  return typeof value === 'string' && shape.test(value) ? { [variable]: value } : {}
}
