/** A known cause of failure: `say` names it and the next step; what the pattern caught may be repeated in it. */
export type Hint = { when: RegExp; say: string | ((found: RegExpExecArray) => string) }
