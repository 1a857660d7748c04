import assert from 'node:assert/strict'
import { Frames } from '../../../router/client/frames.ts'

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0))

describe('following the frames of a WebSocket', () => {
  const frames: [what: string, frame: string][] = [
    ['an empty one', '\x89\x00'],
    ['a short one', '\x81\x05hello'],
    ['a masked one', '\x81\x85abcdhello'],
    ['one with two bytes of length', `\x82\x7e\x01\x00${'x'.repeat(256)}`],
    ['one with eight bytes of length', `\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x01${'x'.repeat(65_537)}`],
  ]
  for (const [what, frame] of frames)
    it(`finds the end of ${what}, however it is cut`, () => {
      const all = bytes(`${frame}\x81\x01x`)
      for (let cut = 0; cut < Math.min(frame.length, 300); cut += 1) {
        const following = new Frames()
        assert.equal(following.follow(all, 0, cut, false), cut)
        assert.equal(following.isBetween, cut === 0)
        // One that is asked to stop while it is between two frames already goes nowhere.
        if (cut === 0) following.follow(all, 0, 1, false)
        assert.equal(following.follow(all, Math.max(1, cut), all.length, true), frame.length)
        assert.ok(following.isBetween)
      }
    })

  it('reads on over any number of frames when it need not stop', () => {
    const following = new Frames()
    const all = bytes(frames.map(([, frame]) => frame).join(''))
    assert.equal(following.follow(all, 0, all.length, false), all.length)
    assert.ok(following.isBetween)
    assert.equal(following.follow(all, 0, all.length, true), 0)
  })
})
