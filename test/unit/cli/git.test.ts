import assert from 'node:assert/strict'
import {
  asksForApi,
  credentialSettings,
  parseCredentialQuestion,
  parseRemotes,
  quoteForShell,
} from '../../../cli/git.ts'

describe('What the CLI says to git', () => {
  it('reads remotes whose names have dots, and takes the first URL of each', () => {
    const output = 'remote.berth.url\nhttp://a/git/x.git\0remote.berth.url\nhttp://b\0remote.v1.2.url\nhttp://c\0'
    assert.deepEqual(parseRemotes(output), { berth: 'http://a/git/x.git', 'v1.2': 'http://c' })
  })

  it("ends the list of the user's other helpers before it names itself, for the one origin", () => {
    assert.deepEqual(credentialSettings('http://127.0.0.1:4000/git/hello.git', "/opt/it's here/bin/berth"), [
      ['config', '--local', '--replace-all', 'credential.http://127.0.0.1:4000.helper', ''],
      [
        'config',
        '--local',
        '--add',
        'credential.http://127.0.0.1:4000.helper',
        `!'/opt/it'\\''s here/bin/berth' git:credentials`,
      ],
      ['config', '--local', '--replace-all', 'credential.http://127.0.0.1:4000.useHttpPath', 'false'],
    ])
  })

  it('quotes whatever a path may hold', () => {
    assert.equal(quoteForShell('/a b/$(x)`y`"z"'), `'/a b/$(x)\`y\`"z"'`)
  })

  it('answers for the API alone: same scheme, host and port', () => {
    const question = parseCredentialQuestion('protocol=https\nhost=berth.example.com:444\npath=git/a.git\n\nhost=x\n')
    assert.equal(asksForApi(question, 'https://berth.example.com:444'), true)
    assert.equal(asksForApi(question, 'http://berth.example.com:444'), false)
    assert.equal(asksForApi(question, 'https://berth.example.com'), false)
    assert.equal(asksForApi(question, 'https://berth.example.com.evil.example:444'), false)
    assert.equal(asksForApi({}, 'https://berth.example.com'), false)
  })
})
