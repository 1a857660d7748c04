/** Causes that Go knows. */
import type { Hint } from './hint.ts'

export const goHints: Hint[] = [
  {
    when: /missing go\.sum entry|updates to go\.(?:mod|sum) needed/,
    say: 'go.mod or go.sum lacks what the source imports. Run: go mod tidy, commit both files and push again.',
  },
  {
    when: /inconsistent vendoring|is explicitly required in go\.mod, but not marked as explicit in vendor|cannot find module providing package \S{1,300}: import lookup disabled by -mod=vendor/,
    say: 'vendor/ does not agree with go.mod. Run: go mod vendor, commit vendor/ and push again.',
  },
  {
    when: /requires go (?:>=|version) ?([\d.]{1,20})/,
    say: ([, asked]) =>
      `A module needs Go ${asked}, which is newer than the stack's. Take an older version of it: go get NAME@VERSION, then go mod tidy.`,
  },
  {
    when: /C compiler "\w{1,20}" not found|requires cgo|build constraints exclude all Go files in/,
    say: 'A package is written in C too, and the build has no compiler for that. Commit an empty file named .berth-toolchain and push again.',
  },
]
