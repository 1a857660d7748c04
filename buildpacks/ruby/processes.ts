/** The command for web of a Ruby app without a Procfile: only what is certain. */
import type { RubyApp } from './index.ts'

/** @returns null when nothing is certain */
export function defaultWeb({ names, gems, hasPumaConfig }: RubyApp): string | null {
  if (gems.has('puma') && hasPumaConfig) return 'bundle exec puma -C config/puma.rb'
  if (gems.has('railties')) return 'bundle exec rails server -b 0.0.0.0 -p $PORT'
  if (!names.includes('config.ru')) return null
  if (gems.has('puma')) return 'bundle exec puma -b tcp://0.0.0.0:$PORT'
  if (gems.has('falcon')) return 'bundle exec falcon serve --bind http://0.0.0.0:$PORT'
  if (gems.has('unicorn')) return 'bundle exec unicorn -l 0.0.0.0:$PORT'
  if (gems.has('rackup')) return 'bundle exec rackup -o 0.0.0.0 -p $PORT'
  return null
}
