/** ◆ What a folder of source is, by the names in it, and the files that a new project is given. */

export type Language = { name: string; ignores: string[] }

const markers: [Language, string[]][] = [
  [{ name: 'Deno', ignores: [] }, ['deno.json', 'deno.jsonc', 'deno.lock']],
  [{ name: 'Ruby', ignores: ['.bundle/', 'log/', 'tmp/'] }, ['Gemfile']],
  [{ name: 'PHP', ignores: ['vendor/'] }, ['composer.json', 'index.php']],
  [{ name: 'Node.js', ignores: ['node_modules/'] }, ['package.json']],
  [
    { name: 'Python', ignores: ['__pycache__/', '.venv/'] },
    ['requirements.txt', 'pyproject.toml', 'setup.py', 'Pipfile', 'manage.py', 'runtime.txt'],
  ],
  [{ name: 'Java', ignores: ['target/', 'build/'] }, ['pom.xml', 'build.gradle', 'build.gradle.kts']],
  [{ name: 'Go', ignores: [] }, ['go.mod']],
  [{ name: 'Static site', ignores: [] }, ['index.html', 'static.json', 'public', 'dist']],
]

/** @param names of what lies in the folder. @returns null for what nothing tells */
export function languageOf(names: string[]): Language | null {
  const [found] = markers.find(([, marks]) => marks.some((mark) => names.includes(mark))) ?? [null]
  return found
}

export type Source = {
  names: string[]
  /** What package.json and .env.example hold, where they are there. */
  packageJson: string | null
  envExample: string | null
}
export type NewFile = { path: string; content: string }

/** Files that help and are not there yet; what is there is never touched. */
export function filesFor(source: Source): NewFile[] {
  const { names } = source
  const language = languageOf(names)
  const wanted: (NewFile | null)[] = [
    procfileFor(source, language),
    appJsonFor(source),
    { path: '.gitignore', content: [...(language?.ignores ?? []), '.env', ''].join('\n') },
    names.includes('.gitignore') && names.includes('.env') ? { path: '.slugignore', content: slugignore } : null,
  ]
  return wanted.filter((file) => file !== null).filter(({ path }) => !names.includes(path))
}

/** Settings of the developer's own machine are none of the app's. */
const slugignore = '# What berth deploy and git push leave out of the app, besides .gitignore.\n.env\n'

const starts: Record<string, [entries: string[], command: string]> = {
  'Node.js': [['server.js', 'index.js', 'app.js', 'main.js'], 'node'],
  Python: [['server.py', 'main.py', 'app.py'], 'python3'],
  Ruby: [['server.rb', 'app.rb', 'main.rb'], 'ruby'],
}

/** Where the language has no way of its own to say what to run. */
function procfileFor({ names, packageJson }: Source, language: Language | null): NewFile | null {
  if (names.includes('manage.py') || names.includes('config.ru') || hasStartScript(packageJson)) return null
  const [entries, command] = starts[language?.name ?? ''] ?? [[], '']
  const entry = entries.find((name) => names.includes(name))
  return entry === undefined ? null : { path: 'Procfile', content: `web: ${command} ${entry}\n` }
}

function hasStartScript(packageJson: string | null): boolean {
  const { scripts, main } = (jsonOf(packageJson) ?? {}) as { scripts?: { start?: unknown }; main?: unknown }
  return typeof scripts?.start === 'string' || typeof main === 'string'
}

/** A variable that the example leaves empty is one that nobody can do without. */
function appJsonFor({ envExample }: Source): NewFile | null {
  const variables = [...(envExample ?? '').matchAll(/^(?:export )?([A-Za-z_]\w*)=(.*)$/gm)]
  if (variables.length === 0) return null
  const env = Object.fromEntries(
    variables.map(([, name = '', value = '']) => [name, { required: value.replace(/#.*/, '').trim() === '' }]),
  )
  return { path: 'app.json', content: `${JSON.stringify({ env }, null, 2)}\n` }
}

function jsonOf(text: string | null): unknown {
  try {
    return text === null ? null : (JSON.parse(text) as unknown)
  } catch {
    return null
  }
}

/** The name of a folder as an app's: `My Shop (2)` is `my-shop-2`. @returns null where nothing of it can be one */
export function appNameFrom(folder: string): string | null {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 30)
    .replace(/-+$/, '')
  return name === '' ? null : name
}
