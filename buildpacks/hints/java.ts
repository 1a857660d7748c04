/** Causes that Maven, Gradle and the Java compiler know. */
import type { Hint } from './hint.ts'

export const javaHints: Hint[] = [
  {
    when: /(?:release version|invalid target release:|invalid source release:) ?(?:1\.)?(\d{1,3})/,
    say: ([, asked]) =>
      `The project is compiled for Java ${asked}, which this Java does not know. Write java.runtime.version=${asked} into system.properties if the stack has it, or compile for an older one.`,
  },
  {
    when: /Unsupported class file major version \d{1,3}/,
    say: "The wrapper's Gradle is older than this Java. Run: ./gradlew wrapper --gradle-version latest, commit gradlew and gradle/wrapper/ and push again.",
  },
  {
    when: /(?:ClassNotFoundException:|Could not find or load main class) org\.gradle\.wrapper|Unable to access jarfile .{0,200}gradle-wrapper\.jar/,
    say: 'gradle/wrapper/gradle-wrapper.jar is not in the repository; a .gitignore with *.jar keeps it out. Run: git add --force gradle/wrapper/gradle-wrapper.jar, commit and push again.',
  },
  {
    when: /Could not (?:transfer|find|resolve) (?:artifact )?(\S{1,200}).{0,200}(?:from\/to|in) (\S{1,100})/,
    say: ([, artifact, registry]) =>
      `${artifact} did not come from ${registry}. Is it published there? Another registry, a mirror or its credentials are set by the config var MAVEN_SETTINGS (docs/java.md).`,
  },
  {
    when: /java\.lang\.OutOfMemoryError/,
    say: 'The build ran out of heap. It has half of the build’s memory; MAVEN_OPTS or GRADLE_OPTS with another -Xmx changes that.',
  },
]
