import assert from 'node:assert/strict'
import { goHints } from '#buildpacks/hints/go.ts'
import type { Hint } from '#buildpacks/hints/hint.ts'
import { javaHints } from '#buildpacks/hints/java.ts'

function hintFor(hints: Hint[], line: string): string {
  for (const { when, say } of hints) {
    const found = when.exec(line)
    if (found) return typeof say === 'string' ? say : say(found)
  }
  return ''
}

describe('What Go, Maven and Gradle complain of', () => {
  it('is answered with the next step', () => {
    const go = (line: string) => hintFor(goHints, line)
    assert.match(go('main.go:4:2: missing go.sum entry for module providing package x'), /go mod tidy/)
    assert.match(go('go: inconsistent vendoring in /app:'), /go mod vendor/)
    assert.match(
      go('go: github.com/a/b@v1.2.3 requires go >= 1.26 (running go 1.24.4; GOTOOLCHAIN=local)'),
      /needs Go 1\.26/,
    )
    assert.match(go('cgo: C compiler "gcc" not found: exec: "gcc": not found in $PATH'), /\.berth-toolchain/)

    const java = (line: string) => hintFor(javaHints, line)
    assert.match(java('[ERROR] error: release version 24 not supported'), /java\.runtime\.version=24/)
    assert.match(java('error: invalid target release: 25'), /Java 25/)
    assert.match(java('> Unsupported class file major version 69'), /--gradle-version/)
    assert.match(
      java('Error: Could not find or load main class org.gradle.wrapper.GradleWrapperMain'),
      /git add --force/,
    )
    assert.match(
      java(
        'Could not transfer artifact org.x:y:pom:1.0 from/to central (https://repo.maven.apache.org/maven2): Connect timed out',
      ),
      /^org\.x:y:pom:1\.0 did not come from central\..*MAVEN_SETTINGS/,
    )
    assert.equal(java('BUILD SUCCESS') + go('ok'), '')
  })
})
