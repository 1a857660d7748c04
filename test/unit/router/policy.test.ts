import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import type { AppName } from '#core/domain/ids.ts'
import { defaultRouteSettings, type AppRoute, type RouteSettings } from '#core/domain/route.ts'
import { matchPassword } from '../../../router/password.ts'
import { judge, type Facts } from '../../../router/policy.ts'
import { renderAnswer, secureAddress, turnedAway } from '../../../router/responses.ts'

const facts: Facts = { secure: true, clientAddress: '192.0.2.7', authorization: null }
const judged = (settings: Partial<RouteSettings>, over: Partial<Facts> = {}) =>
  judge({ ...defaultRouteSettings, ...settings }, { ...facts, ...over }, matchPassword)
const aUser = (name: string, password: string) => ({ name, salt: 'ab', digest: hash('sha256', `ab:${password}`) })
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

describe('the terms of an app', () => {
  it('let everybody in where nothing is set', () => {
    assert.equal(judged({}), null)
    assert.equal(judged({}, { secure: false, clientAddress: 'unknown' }), null)
  })

  it('keep all out during maintenance, and plain HTTP where HTTPS is wanted', () => {
    assert.equal(judged({ maintenance: true }), 'maintenance')
    assert.equal(judged({ forceHttps: true }), null)
    assert.equal(judged({ forceHttps: true }, { secure: false }), 'https')
  })

  it('let only the listed networks ask', () => {
    const access = { allow: ['192.0.2.0/24', '2001:db8::/32'], users: [] }
    assert.equal(judged({ access }), null)
    assert.equal(judged({ access }, { clientAddress: '2001:db8::9' }), null)
    for (const clientAddress of ['192.0.3.1', '::1', 'unknown', '', '2001:db9::'])
      assert.equal(judged({ access }, { clientAddress }), 'address', clientAddress)
    assert.equal(
      judged({ access: { allow: ['nonsense'], users: [] } }),
      'address',
      'what cannot be read lets nobody in',
    )
  })

  it('let only users with their password ask', () => {
    const access = { allow: [], users: [aUser('ann', 'se:cret ü'), aUser('bob', '12345678')] }
    const login = (authorization: string | null) => judged({ access }, { authorization })
    assert.equal(login(basic('ann:se:cret ü')), null)
    assert.equal(login(basic('bob:12345678').replace('Basic', 'bASIC')), null)
    for (const wrong of [
      null,
      '',
      'Basic',
      'Basic ',
      basic('ann'),
      basic('ann:'),
      basic('ann:12345678'),
      basic('Ann:se:cret ü'),
      basic('eve:se:cret ü'),
      basic(':se:cret ü'),
      `Bearer ${basic('bob:12345678').slice(6)}`,
      `${basic('bob:12345678')} x`,
      'Basic ====',
    ])
      assert.equal(login(wrong), 'login', String(wrong))
  })

  it('hold together: a network and a password, and HTTPS before a password is asked for', () => {
    const access = { allow: ['192.0.2.0/24'], users: [aUser('ann', 'password')] }
    const authorization = basic('ann:password')
    assert.equal(judged({ access }, { authorization }), null)
    assert.equal(judged({ access }), 'login')
    assert.equal(judged({ access }, { authorization, clientAddress: '1.1.1.1' }), 'address')
    assert.equal(judged({ access, forceHttps: true }, { secure: false }), 'https')
  })
})

describe('an answer to a request that is turned away', () => {
  const route = { name: 'shop' as AppName } as AppRoute
  const fieldOf = (headers: string[], name: string) => headers[headers.indexOf(name) + 1]

  it('redirects to the same place by HTTPS, with the port that it has there', () => {
    const place = secureAddress('shop.example', 8443, '/a?b=%20')
    const answer = turnedAway(route, 'https', place)
    assert.equal(answer.status, 308)
    assert.equal(fieldOf(renderAnswer(answer, '', 'id').headers, 'Location'), 'https://shop.example:8443/a?b=%20')
    assert.equal(secureAddress('shop.example', 443, '/'), 'https://shop.example/')
  })

  it('asks for a login as RFC 7617 has it', () => {
    const { headers } = renderAnswer(turnedAway(route, 'login', ''), 'text/html', 'id')
    assert.equal(fieldOf(headers, 'WWW-Authenticate'), 'Basic realm="shop", charset="UTF-8"')
    assert.equal(fieldOf(headers, 'Berth-Error'), 'login-required')
  })

  it('has a status for each reason', () => {
    assert.equal(turnedAway(route, 'maintenance', '').status, 503)
    assert.equal(turnedAway(route, 'address', '').status, 403)
    assert.equal(turnedAway(route, 'login', '').status, 401)
  })
})
