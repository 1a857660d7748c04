/**
 * Runs commands as a person does, against a small HTTP server that says what a test wants the API to say: within this process
 * where a test is about what a command does, and as the real bin/berth where it is about the process.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { runInProcess, type Ran } from '#test/helpers/cli-run.ts'
import { runProgram, type Surroundings } from '#test/helpers/command-line.ts'
import { compiledEnv } from '#test/helpers/compiled.ts'

export const launcher = join(import.meta.dirname, '../../../bin/berth')

type Seen = { method: string; url: string; headers: IncomingHttpHeaders; body: unknown }
type Answer = (response: ServerResponse, seen: Seen) => void | Promise<void>

export type FakeApi = {
  url: string
  /** Keys are `GET /v1/apps`; the query is not part of the key. */
  answers: Record<string, Answer>
  seen: Seen[]
  stop(): Promise<void>
}

export async function startFakeApi(): Promise<FakeApi> {
  const api: FakeApi = { url: '', answers: {}, seen: [], stop }
  const server = createServer((request, response) => {
    void (async () => {
      const { method = '', url = '', headers } = request
      const seen = { method, url, headers, body: method === 'GET' || method === 'DELETE' ? null : await json(request) }
      api.seen.push(seen)
      const answer = api.answers[`${method} ${url.split('?')[0]}`]
      if (answer) await answer(response, seen)
      else await problem(404, 'NOT_FOUND', `There is no ${method} ${url} in this test.`)(response, seen)
    })()
  })
  function stop(): Promise<void> {
    server.closeAllConnections()
    return new Promise((resolve) => void server.close(() => resolve()))
  }
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return api
}

export const ok =
  (body: unknown, status = 200): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }

export const problem =
  (status: number, code: string, detail: string): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify({ type: 'about:blank', title: code, status, detail, code, requestId: 'r-1' }))
  }

/** Newline-delimited JSON, in pieces that do not end where lines end, as a network may deliver it. */
export const lines =
  (values: unknown[]): Answer =>
  async (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    const text = values.map((value) => JSON.stringify(value) + '\n').join('')
    for (let at = 0; at < text.length; at += 7)
      await new Promise((resolve) => void response.write(text.slice(at, at + 7), resolve))
    response.end()
  }

export type { Ran }

/** A person's folder: no settings of the machine that runs the tests reach the command. */
export type Person = {
  home: string
  env: NodeJS.ProcessEnv
  berth(args: string[], options?: { cwd?: string; input?: string; env?: NodeJS.ProcessEnv }): Promise<Ran>
  git(args: string[], options?: { env?: NodeJS.ProcessEnv }): string
  leave(): Promise<void>
}

/** @param asProcess each command is a process of its own: with an exit code, a standard input and children that see its variables */
export async function aPerson(env: NodeJS.ProcessEnv = {}, { asProcess = false } = {}): Promise<Person> {
  const home = await mkdtemp(join(tmpdir(), 'berth-cli-'))
  const own = {
    PATH: process.env['PATH'],
    HOME: home,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    // A home of one's own has an empty cache.
    ...compiledEnv,
    ...env,
  }
  const run = asProcess ? runBerth : runInProcess
  return {
    home,
    env: own,
    berth: (args, options = {}) => run(args, { cwd: home, ...options, env: { ...own, ...options.env } }),
    git: (args, options = {}) =>
      spawnSync('git', args, { cwd: home, env: { ...own, ...options.env }, encoding: 'utf8' }).stdout,
    leave: () => rm(home, { recursive: true, force: true }),
  }
}

const runBerth = (args: string[], surroundings: Surroundings): Promise<Ran> =>
  runProgram([launcher, ...args], { ...surroundings, timeoutMs: 20_000 })
