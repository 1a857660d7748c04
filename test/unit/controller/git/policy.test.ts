import assert from 'node:assert/strict'
import { judgePush, MAX_CHANGES, short } from '../../../../controller/git/policy.ts'

const a = 'a'.repeat(40)
const b = 'b'.repeat(40)
const nothing = '0'.repeat(40)

const judge = (changes: string[], chosen: string | null = null) => judgePush(changes, chosen)
const deployOf = (changes: string[], chosen: string | null = null) => {
  const verdict = judge(changes, chosen)
  assert.ok(verdict.taken, JSON.stringify(verdict))
  return verdict.deploy
}
const whyNot = (changes: string[], chosen: string | null = null) => {
  const verdict = judge(changes, chosen)
  assert.ok(!verdict.taken, JSON.stringify(verdict))
  return verdict.why
}

describe('what a push deploys', () => {
  it('is a commit of main or master', () => {
    assert.deepEqual(deployOf([`${a} ${b} refs/heads/main`]), {
      branch: 'main',
      ref: 'refs/heads/main',
      old: a,
      commit: b,
    })
    assert.equal(deployOf([`${nothing} ${b} refs/heads/master`])?.branch, 'master')
  })

  it('is a commit of the branch that the app chose, and of no other', () => {
    assert.equal(deployOf([`${a} ${b} refs/heads/live`], 'live')?.branch, 'live')
    assert.equal(deployOf([`${a} ${b} refs/heads/main`], 'live'), null)
    assert.equal(deployOf([`${a} ${b} refs/heads/mainly`]), null)
    assert.equal(deployOf([`${a} ${b} refs/tags/main`]), null)
  })

  it('is one branch even if the push stores others', () => {
    const changes = [`${a} ${b} refs/heads/x`, `${a} ${b} refs/heads/main`, `${nothing} ${b} refs/tags/v1`]
    const verdict = judge(changes)
    assert.ok(verdict.taken && verdict.makesRefs)
    assert.equal(verdict.deploy?.branch, 'main')
    assert.deepEqual(verdict.news, ['Stored, not deployed: x, the tag v1.'])
  })

  it('is named in seven digits', () => {
    assert.equal(short(a), 'aaaaaaa')
    assert.equal(short(nothing), 'nothing')
  })
})

describe('what a push stores', () => {
  it('is said, and how it could be deployed', () => {
    const verdict = judge([`${nothing} ${b} refs/heads/feature/x`])
    assert.ok(verdict.taken)
    assert.deepEqual(verdict.news, [
      'Stored, not deployed: feature/x.',
      'Pushes to main or master deploy. To deploy this one: git push berth feature/x:main',
    ])
  })

  it('can be deleted again', () => {
    const verdict = judge([`${b} ${nothing} refs/heads/x`, `${b} ${nothing} refs/tags/v1`])
    assert.ok(verdict.taken && verdict.deploy === null && !verdict.makesRefs)
    assert.deepEqual(verdict.news, ['Deleted: x, the tag v1.'])
  })
})

describe('G05 what a push may not do', () => {
  it('is to delete what is deployed', () => {
    assert.match(whyNot([`${a} ${nothing} refs/heads/main`]), /^main is what is deployed, so it cannot be deleted/)
    assert.match(whyNot([`${a} ${nothing} refs/heads/live`], 'live'), /^live is what is deployed/)
  })

  it('is to deploy two branches at once', () => {
    const both = [`${a} ${b} refs/heads/main`, `${a} ${b} refs/heads/master`]
    assert.match(whyNot(both), /changes both main and master/)
  })

  it('is to change what is neither a branch nor a tag, or has a name that reads as an option', () => {
    const refs = [
      'refs/notes/x',
      'refs/heads/-x',
      'refs/heads/x/--upload-pack=y',
      'refs/tags/-x',
      'refs/x',
      'refs/heads/',
    ]
    for (const ref of refs) assert.match(whyNot([`${a} ${b} ${ref}`]), /neither a branch nor a tag/, ref)
    assert.match(whyNot([`${a} ${b} refs/heads/${'x'.repeat(300)}`]), /neither a branch nor a tag/)
  })

  it('is to change more refs than anybody reads', () => {
    const many = Array.from({ length: MAX_CHANGES + 1 }, (_, i) => `${nothing} ${b} refs/tags/v${i}`)
    assert.match(whyNot(many), /more than 200 branches and tags at once/)
  })

  it('is to say what cannot be read', () => {
    for (const changes of [[], ['gibberish'], [`${a} --output=x refs/heads/main`], [`${a} ${b} refs/heads/main`, '']])
      assert.match(whyNot(changes), /nothing that Berth can read/)
  })
})
