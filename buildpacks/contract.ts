/** What a buildpack is, and what it tells the agent: the two files plan.json and release.json (core/contract/buildpack.ts). */
import type { Procfile } from '#core/domain/procfile.ts'
import type { RuntimeName } from '#core/domain/slug.ts'

export type Buildpack = {
  name: string
  /** Does this source look like mine? It only looks. */
  detect(app: AppFolder): Promise<Detection>
  /** What the build and the app will need. */
  plan(app: AppFolder, stack: string): Promise<Needs>
  /** Makes the app runnable where it stands. */
  compile(build: Build): Promise<Release>
}

/** `what` and `because` make the pusher's line: "Node.js app detected: package.json found". */
export type Detection = { accepted: true; what: string; because: string } | { accepted: false; lookedFor: string }

export type Needs = { runtimes: RuntimeNeed[]; dependencies: DependencyLayer | null }
export type RuntimeNeed = { name: RuntimeName; range: string; reason: string }
/**
 * Folders that are kept as a layer of their own. When they depend on nothing but what is hashed into `key` (SHA-256, hex),
 * a later build with the same key reuses them; with null they are made anew, and stored once if they come out the same.
 */
export type DependencyLayer = { key: string | null; paths: string[] }

/** plan.json */
export type Plan = { buildpack: string; because: string; offered?: Offered[] } & Needs
/** A buildpack of the operator's, which the agent brings as a tar archive into the folder `offered` of the build's. */
export type Offered = { name: string; ref: string | null }
/** What one buildpack makes of the app; with what app.json says it is release.json. */
export type Release = { processes: Procfile; env: Record<string, string> }

/** The app's folder, read with bounds: all of its content is the tenant's. */
export type AppFolder = {
  path: string
  /** Of an app that is built as a part of its repository's workspace: the repository, and the app's folder in it. */
  within?: { root: AppFolder; path: string }
  /**
   * The text of a file, a byte order mark removed; null when there is none.
   * @throws BuildFailure when it is not a plain file or larger than `limitBytes`
   */
  read(name: string, limitBytes: number): Promise<string | null>
  /** Whether there is such a plain file. */
  has(name: string): Promise<boolean>
  /** What a folder holds, sorted; nothing when there is no such folder. */
  names(folder?: string): Promise<string[]>
}

/** A compile under way. */
export type Build = {
  app: AppFolder
  /** The folders of the agreement with the agent, absolute. */
  buildFolder: string
  cacheFolder: string
  runtimesFolder: string
  /** Whether the dependency layer of an earlier build is in place already. */
  dependenciesReused: boolean
  env: NodeJS.ProcessEnv
  output: Output
  run(command: Command): Promise<void>
}

/**
 * `shown` is the command as the pusher would type it; `folder` is where it runs, absolute, by default the app's.
 */
export type Command = {
  title: string
  shown: string
  argv: [string, ...string[]]
  env: NodeJS.ProcessEnv
  folder?: string
  /** It fetches from a registry and may be run again when the network fails. */
  fetches?: true
}

/** The pusher's view of the build. */
export type Output = {
  /** `-----> text`: a phase begins. */
  title(text: string): void
  /** Text below a title, indented. */
  line(text: string): void
  /** ` !     text`: a warning, or why the build ends. */
  warning(text: string): void
}

/** The exit codes of main.ts that the agent knows. */
export const exitCodes = {
  noBuildpack: 10,
  emptySource: 11,
  invalidFile: 12,
  failedStep: 13,
  networkFailed: 14,
  missingConfig: 15,
} as const

/** Ends the build with a sentence for the pusher. */
export class BuildFailure extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BuildFailure'
    this.exitCode = exitCode
  }
}

/** A file of the app that cannot be used as it is. */
export const invalidFile = (message: string, cause?: unknown) =>
  new BuildFailure(exitCodes.invalidFile, message, { cause })
