/** Announcements on Redis pub/sub. They are hints: whoever misses one finds the same by its periodic look. */
export type Channel =
  /** Desired or reported state changed: the reconciler should look now. */
  | 'changed'
  /** A new route table is there: routers should load it now. */
  | 'routes'
  /** A router acknowledged a table or finished draining. */
  | 'acknowledged'
  /** Certificates, the answers to an authority or the key of session tickets changed: routers should load them now. */
  | 'certificates'
