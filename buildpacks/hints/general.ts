/** Causes that steps of every language can have. */
import type { Hint } from './hint.ts'

export const general: Hint[] = [
  {
    when: /JavaScript heap out of memory|Allocation failed - process out of memory|FATAL ERROR: .*heap limit/i,
    say: 'Node ran out of heap: the build needs more memory than it may use. Build less at once, or set NODE_OPTIONS=--max-old-space-size=1536 (berth config:set).',
  },
  {
    when: /java\.lang\.OutOfMemoryError|GC overhead limit exceeded/,
    say: 'The Java program ran out of heap. Give it less to do at once, or set its heap, e.g. MAVEN_OPTS=-Xmx1024m (berth config:set).',
  },
  {
    when: /\b(?:Cannot allocate memory|ENOMEM|virtual memory exhausted|cc1(?:plus)?: out of memory)\b/,
    say: 'The build ran out of memory. Compile fewer things at a time, e.g. MAKEFLAGS=-j1 (berth config:set).',
  },
  {
    when: /Resource temporarily unavailable|\bEAGAIN\b.*\b(?:fork|spawn|pthread)|(?:can't|cannot) (?:start new thread|fork)/i,
    say: 'The build reached its limit of processes and threads. Run fewer of them at a time.',
  },
  {
    when: /\b(?:EMFILE|Too many open files)\b/,
    say: 'The build has too many files open at a time.',
  },
  {
    when: /fatal: could not read Username for|terminal prompts disabled|Permission denied \(publickey\)|Host key verification failed/,
    say: 'A dependency lies in a private git repository, and the build has no credentials for it. Use a URL with a token from a config var, or vendor the dependency.',
  },
  {
    when: /\b(?:self[- ]signed certificate|unable to get local issuer certificate|certificate verify failed|SELF_SIGNED_CERT_IN_CHAIN)\b/i,
    say: 'A server showed a certificate that this host does not trust. If it is your own registry, ask the operator to add its authority (BERTH_CA_BUNDLE).',
  },
  {
    when: /(?:^|\n).*?\b(?:sh|bash): (?:\d+: |line \d+: )?([\w./@-]{1,60}): (?:command )?not found/,
    say: ([, program]) =>
      `${program} is not there while building. If it is a package of the app's, add it to what the build installs; if it is a program of the system's, this stack has none.`,
  },
  {
    when: /\b(?:Permission denied|EACCES)\b[^\n]*\/(?:usr|etc|opt|var|root)\b|Read-only file system|\bEROFS\b/,
    say: 'The build may write only into the app, /tmp and its cache: a step tried to write elsewhere.',
  },
]
