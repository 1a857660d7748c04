import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import type { AppId, InstanceId } from '#core/domain/ids.ts'
import type { Endpoint } from '#core/domain/route.ts'
import { stickyCookie, stickyEndpoint, stickyName, stickyValue } from '../../../router/sticky.ts'

const digest = (text: string): string => hash('sha256', text)
const app = 'a-shop' as AppId
const anEndpoint = (id: string, epoch = 1): Endpoint => ({
  instanceId: `i-${id}` as InstanceId,
  epoch,
  host: '10.20.30.40',
  port: 5123,
})
const endpoints = [anEndpoint('one'), anEndpoint('two'), anEndpoint('three')]
const chosen = (cookies: string | null) => stickyEndpoint(app, endpoints, cookies, digest)

describe('the cookie that keeps a client on its instance', () => {
  it('leads back to the instance that it was made for', () => {
    for (const endpoint of endpoints) {
      const [pair = ''] = stickyCookie(app, endpoint, false, digest).split(';')
      assert.equal(chosen(pair), endpoint)
      assert.equal(chosen(`a=b; ${pair} ; c=d`), endpoint)
    }
  })

  it('leads nowhere when it is forged, of another app, or of an instance that is gone', () => {
    const name = stickyName(app, digest)
    const other = stickyCookie('a-other' as AppId, anEndpoint('one'), false, digest)
    const gone = stickyCookie(app, anEndpoint('four'), false, digest)
    const earlier = stickyCookie(app, anEndpoint('one', 2), false, digest)
    for (const cookies of [null, '', name, `${name}=`, `${name}=i-one`, `x${name}=1`, other, gone, earlier])
      assert.equal(chosen(cookies), null, String(cookies))
  })

  it('tells nothing of the instance, its address or the app', () => {
    const cookie = stickyCookie(app, anEndpoint('one'), true, digest)
    assert.doesNotMatch(cookie, /i-one|10\.20|5123|shop/)
    assert.match(cookie, /^Berth-Instance-[0-9a-f]{8}=[0-9a-f]{24}; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    assert.doesNotMatch(stickyCookie(app, anEndpoint('one'), false, digest), /Secure/)
    assert.notEqual(stickyValue(anEndpoint('one'), digest), stickyValue(anEndpoint('one', 2), digest))
  })
})
