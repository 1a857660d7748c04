/** Causes that Bundler and Rails know. */
import type { Hint } from './hint.ts'

export const rubyHints: Hint[] = [
  {
    when: /Your Ruby version is ([\d.]{1,20}), but your Gemfile specified ([^\s]{1,40})/,
    say: ([, there, asked]) =>
      `The stack has Ruby ${there}, which gets security fixes by itself; the Gemfile asks for exactly ${asked}. Write ruby "~> ${there?.split('.').slice(0, 2).join('.')}.0" in it, run bundle lock, and commit both.`,
  },
  {
    when: /(?:gemspecs|dependencies) .*changed|frozen mode|deployment mode|Gemfile\.lock.*(?:not|does not) (?:match|satisf)|lockfile (?:is|does) not/i,
    say: 'Gemfile.lock does not agree with the Gemfile. Run: bundle lock, commit Gemfile.lock and push again.',
  },
  {
    when: /You have requested to use only|Could not find ([\w.-]{1,100})(?:-[\d.]+)? in (?:cached gems|locally installed gems)/,
    say: 'The app has a folder vendor/cache, so gems come from there and from nowhere else, and one is missing. Run: bundle cache --all-platforms, and commit vendor/cache.',
  },
  {
    when: /You need to install (?:a compiler|development tools)|Failed to build gem native extension|extconf\.rb failed/,
    say: 'A gem with compiled parts could not be built; mkmf.log above says what it missed. Where it says that there is no compiler, commit an empty file named .berth-toolchain.',
  },
  {
    when: /Missing `?secret_key_base|key must be 16 bytes|ActiveSupport::MessageEncryptor::InvalidMessage/,
    say: 'Rails needs its key: set RAILS_MASTER_KEY or SECRET_KEY_BASE with berth config:set.',
  },
]
