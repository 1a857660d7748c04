/** What the JVM is told of the sandbox that it runs in, where an app says nothing itself. */

/** Above this the JVM takes a machine for a server, and a collector with threads of its own; below, serial collection costs least. */
export const SERIAL_BELOW_MB = 1792

/** How much of an instance's memory is heap: the smaller it is, the more of it goes to code, threads and buffers. */
const heapShares = [
  { belowMb: 513, percent: 50 },
  { belowMb: 1025, percent: 60 },
  { belowMb: Infinity, percent: 75 },
] as const

/** Read by every command of the app before it begins. */
export const PROFILE = '.profile.d/berth-java.sh'

/** A tenant's own choice beside ours would end the JVM: "Multiple garbage collectors selected". */
export const choosesCollector = (text: string): boolean => /-XX:\+Use\w+GC\b/.test(text)

/** @property archive of classes, absolute in the sandbox; null: there is none */
export type ProfileChoices = { commands: string[]; archive: string | null }

/**
 * A script for the shell that starts a command. It puts its options before those in JAVA_TOOL_OPTIONS, where the last of a
 * kind wins, and a command line wins over both.
 */
export function profileScript({ commands, archive }: ProfileChoices): string {
  const collector = commands.some(choosesCollector) ? [] : serialWhereSmall
  return [
    '# Made by Berth at the build. What the app says in JAVA_TOOL_OPTIONS, JAVA_OPTS or its command wins.',
    'berth_memory="${BERTH_MEMORY_MB:-512}"',
    ...heapShares
      .toReversed()
      .map(({ belowMb, percent }) =>
        belowMb === Infinity
          ? `berth_heap=${percent}`
          : `if [ "$berth_memory" -lt ${belowMb} ]; then berth_heap=${percent}; fi`,
      ),
    `berth_java="${[...sharing, '-XX:MaxRAM=${berth_memory}m', '-XX:MaxRAMPercentage=$berth_heap', '-XX:+ExitOnOutOfMemoryError'].join(' ')}"`,
    'if [ -n "${BERTH_CPUS:-}" ]; then berth_java="$berth_java -XX:ActiveProcessorCount=$BERTH_CPUS"; fi',
    ...collector,
    // What does not fit (another command, a newer Java of a newer stack) is not used, and nothing is said.
    ...(archive === null
      ? []
      : [`berth_java="$berth_java -Xshare:auto -XX:SharedArchiveFile=${archive} -Xlog:cds*=off"`]),
    'export JAVA_TOOL_OPTIONS="$berth_java${JAVA_TOOL_OPTIONS:+ $JAVA_TOOL_OPTIONS}"',
    'unset berth_memory berth_heap berth_java',
    '',
  ].join('\n')
}

/**
 * Archived classes are mapped where the archive has them, so that instances share its pages: elsewhere each would write all of
 * them anew, 10 to 20 MB. What is there is data of the JVM's, no code.
 */
const sharing = ['-XX:+UnlockDiagnosticVMOptions', '-XX:ArchiveRelocationMode=0']

const serialWhereSmall = [
  'case " ${JAVA_TOOL_OPTIONS:-} ${JDK_JAVA_OPTIONS:-} ${JAVA_OPTS:-}" in',
  '  *" -XX:+Use"*GC*) ;;',
  `  *) if [ "$berth_memory" -lt ${SERIAL_BELOW_MB} ]; then berth_java="$berth_java -XX:+UseSerialGC"; fi ;;`,
  'esac',
]

/** For the pusher. */
export const chosenLine = `Java gets ${heapShares[0].percent} % of an instance's memory as heap, above 512 MB ${heapShares[1].percent} %, above 1 GB ${heapShares[2].percent} %, and serial collection below ${SERIAL_BELOW_MB} MB; JAVA_TOOL_OPTIONS changes it`
