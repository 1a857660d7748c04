/** Compilers and headers for what an app compiles from C: large, so only for those that ask. */
import type { AppFolder, RuntimeNeed } from './contract.ts'

/** An empty file of this name in the root asks for it. */
export const TOOLCHAIN_FILE = '.berth-toolchain'

export const asksForToolchain = (app: AppFolder): Promise<boolean> => app.has(TOOLCHAIN_FILE)

export const toolchainNeed: RuntimeNeed = { name: 'toolchain', range: '*', reason: `asked for by ${TOOLCHAIN_FILE}` }
