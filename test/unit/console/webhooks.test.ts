import assert from 'node:assert/strict'
import { webhookEventNames, webhookEvents } from '#core/domain/webhook.ts'
import {
  drainState,
  hostOf,
  isChosen,
  readable,
  shownUrl,
  toggled,
  topics,
} from '../../../console/src/text/webhooks.ts'

describe('Webhooks in the console', () => {
  it('offer every event that there is, in the words of the API, but the test, which is always sent', () => {
    const offered = topics.flatMap(({ events }) => events.map(({ name }) => name))
    assert.deepEqual(offered.sort(), webhookEventNames.filter((name) => name !== 'webhook.test').sort())
    const texts = topics.flatMap(({ events }) => events.map(({ name, about }) => [name, about]))
    assert.deepEqual({ ...Object.fromEntries(texts), 'webhook.test': webhookEvents['webhook.test'] }, webhookEvents)
    assert.deepEqual(topics.find(({ name }) => name === 'deploy.*')?.title, 'Deploy')
  })

  it('take a topic for all of its events, which need not be named beside it', () => {
    assert.deepEqual(toggled(['deploy.failed', 'run.failed'], 'deploy.*'), ['run.failed', 'deploy.*'])
    assert.deepEqual(toggled(['deploy.*'], 'deploy.*'), [])
    assert.deepEqual(toggled(['deploy.*'], 'run.failed'), ['deploy.*', 'run.failed'])
    assert.ok(isChosen(['deploy.*'], 'deploy.failed') && isChosen(['*'], 'run.ended'))
    assert.ok(!isChosen(['deploy.*'], 'run.ended'))
  })

  it('C14 list no part of an address that may be a secret', () => {
    assert.equal(shownUrl('https://hooks.example.com:8443/T0/s3cr3t?key=1'), 'hooks.example.com:8443/…')
    assert.equal(shownUrl('https://hooks.example.com/'), 'hooks.example.com')
    assert.equal(shownUrl('https://hooks.example.com?key=1'), 'hooks.example.com/…')
    assert.equal(hostOf('syslog+tls://logs.example.com:6514'), 'logs.example.com:6514')
    assert.equal(hostOf('no address'), 'no address')
  })

  it('say how a drain goes, and show what was sent as it can be read', () => {
    assert.equal(drainState({ failure: 'refused', triedAt: null }).tone, 'bad')
    assert.equal(drainState({ failure: null, triedAt: null }).text, 'Not tried yet')
    assert.equal(drainState({ failure: null, triedAt: '2026-11-22T02:00:00.000Z' }).tone, 'good')
    assert.equal(readable('{"a":1}'), '{\n  "a": 1\n}')
    assert.equal(readable('{"a":'), '{"a":')
  })
})
