/** What one connection over SSH may take. */

export type SshLimits = {
  /** From its first byte to a key that is known. */
  loginMs: number
  /** Keys that it may offer. */
  attempts: number
  /** git over one connection at a time, as ControlMaster shares it. */
  sessions: number
  /** How long it may stay without one. */
  unusedMs: number
  /** From the login to the end, whatever is under way. */
  connectionMs: number
}

export const usualLimits: SshLimits = {
  loginMs: 30_000,
  attempts: 20,
  sessions: 8,
  unusedMs: 60_000,
  connectionMs: 4 * 3600_000,
}
