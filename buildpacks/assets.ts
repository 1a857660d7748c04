/** Files that buildpacks put into apps or run, as they are. The bundle that runs in builds lies beside the same folder. */
import { join } from 'node:path'

/** @param path below buildpacks/assets */
export const assetFile = (...path: string[]): string => join(import.meta.dirname, 'assets', ...path)
