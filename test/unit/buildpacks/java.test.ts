import assert from 'node:assert/strict'
import { DEBIAN_RELEASE } from '#core/domain/stack.ts'
import { isTrainable } from '#buildpacks/java/archive.ts'
import { archivesIn, chooseArtifact, jarCommand, type Archive } from '#buildpacks/java/artifacts.ts'
import { buildArguments, builderOf, mavenSettings, refuseBareGradle, saysWar } from '#buildpacks/java/builder.ts'
import { java } from '#buildpacks/java/index.ts'
import { choosesCollector, profileScript } from '#buildpacks/java/options.ts'
import { warCommand } from '#buildpacks/java/tomcat.ts'
import { javaVersion, javaVersions, type VersionFile } from '#buildpacks/java/version.ts'
import { anAppFolder } from '#test/helpers/app-folder.ts'
import { versionsOf } from '../../../agent/runtimes/packages.ts'

const refused = (message: RegExp) => ({ name: 'BuildFailure', exitCode: 12, message })
const detected = async (files: Record<string, string>) => {
  const detection = await java.detect(anAppFolder(files))
  return detection.accepted ? detection.because : null
}
const needs = async (files: Record<string, string>) =>
  (await java.plan(anAppFolder(files), 'test')).runtimes.map(({ name, range }) => `${name} ${range}`)

describe('A Java app', () => {
  it('is known by what builds it, or by the archive that it brings', async () => {
    assert.equal(await detected({ 'pom.xml': '', 'a.jar': '' }), 'pom.xml found')
    assert.equal(await detected({ 'settings.gradle.kts': '' }), 'settings.gradle.kts found')
    assert.equal(await detected({ 'shop.war': '' }), 'shop.war found')
    assert.equal(await detected({ 'target/shop.jar': '' }), 'target/shop.jar found')
    assert.equal(await detected({ 'web/build/libs/web.jar': '' }), 'web/build/libs/web.jar found')
    assert.equal(await detected({ 'gradle/wrapper/gradle-wrapper.jar': '' }), null)
    assert.equal(await detected({ 'target/shop-sources.jar': '' }), null)
    assert.equal(await detected({ 'download.jar': '', 'index.html': '' }), null)
  })

  it('needs Java, Maven when it has no wrapper, and Tomcat when it is or makes a .war', async () => {
    assert.deepEqual(await needs({ 'app.jar': '' }), ['java 21'])
    assert.deepEqual(await needs({ 'pom.xml': '', mvnw: '' }), ['java 21'])
    assert.deepEqual(await needs({ 'pom.xml': '<packaging> war </packaging>' }), ['java 21', 'maven *', 'tomcat 11.x'])
    assert.deepEqual(await needs({ 'shop.war': '', 'system.properties': 'java.runtime.version=25' }), [
      'java 25',
      'tomcat 11.x',
    ])
    assert.deepEqual(await needs({ 'shop.war': '', Procfile: 'web: java -jar runner.jar shop.war' }), ['java 21'])
  })

  it('of Gradle without a wrapper is refused with the command that makes one', () => {
    const builder = builderOf(['build.gradle.kts'])
    assert.ok(builder)
    assert.throws(() => refuseBareGradle(builder), refused(/build\.gradle\.kts but no gradlew.*"gradle wrapper"/))
  })
})

describe('The Java of an app', () => {
  const asked = (name: VersionFile['name'], text: string) => javaVersion([{ name, text }])

  it('is read from the files of Heroku, jenv and SDKMAN, however they write it', () => {
    assert.deepEqual(asked('system.properties', '# mine\r\njava.runtime.version = 25\r\n'), {
      range: '25',
      reason: 'system.properties asks for Java 25',
    })
    assert.equal(asked('.java-version', 'temurin-21.0.2\n').range, '21')
    assert.equal(asked('.java-version', 'openjdk64-25.0.1').range, '25')
    assert.equal(asked('.sdkmanrc', '# x\njava=21.0.2-tem\n').range, '21')
    assert.equal(javaVersion([]).range, '21')
    assert.equal(asked('system.properties', 'maven.version=3.9').range, '21')
  })

  it('that there is not is refused with the line, and those that there are', () => {
    assert.throws(
      () => asked('system.properties', '\njava.runtime.version=1.8\n'),
      refused(
        /system\.properties line 2 asks for Java "1\.8"; there are 21 and 25\. Java 21 runs what was compiled for 8/,
      ),
    )
    assert.throws(
      () => asked('.sdkmanrc', 'java=99-open'),
      refused(/line 1 asks for Java "99-open".*Write one of these/),
    )
    assert.throws(() => asked('.java-version', 'system'), refused(/"system"/))
  })

  it('is one that Debian has', () => {
    assert.deepEqual(
      versionsOf(DEBIAN_RELEASE, 'java').map(({ version }) => version),
      [...javaVersions],
    )
  })
})

describe('Building a Java app', () => {
  const folders = { cache: '/cache', settings: null }
  const commandOf = (
    names: string[],
    env: NodeJS.ProcessEnv = {},
    given = folders as { cache: string; settings: string | null },
  ) => {
    const builder = builderOf(names)
    assert.ok(builder)
    return buildArguments(builder, env, given)
  }

  it('runs the wrapper where there is one, without tests, and keeps what it fetches', () => {
    const { shown, argv } = commandOf(['pom.xml', 'mvnw'])
    assert.equal(shown, './mvnw --batch-mode --no-transfer-progress -DskipTests package')
    assert.deepEqual(argv.slice(0, 2), ['sh', './mvnw'])
    assert.ok(argv.includes('-Dmaven.repo.local=/cache/maven'))
    assert.equal(commandOf(['build.gradle', 'gradlew']).shown, './gradlew --no-daemon --console=plain assemble')
  })

  it('takes Debian’s Maven with Debian’s plugins where there is none', () => {
    const { shown, argv } = commandOf(['pom.xml'])
    assert.match(shown, /^mvn --batch-mode/)
    assert.ok(argv.includes('-Dmaven.repo.local.tail=/usr/share/maven-repo'))
  })

  it('does what the config says instead, as words and never as shell', () => {
    const env = { MAVEN_CUSTOM_GOALS: 'clean verify; rm -rf /', MAVEN_CUSTOM_OPTS: '-Pprod' }
    const { argv } = commandOf(['pom.xml', 'mvnw'], env, { cache: '/cache', settings: '/tmp/s.xml' })
    assert.deepEqual(argv.slice(-6), ['-Pprod', 'clean', 'verify;', 'rm', '-rf', '/'])
    assert.deepEqual(argv.slice(4, 6), ['--settings', '/tmp/s.xml'])
    assert.deepEqual(commandOf(['build.gradle', 'gradlew'], { GRADLE_TASK: 'shadowJar' }).argv.at(-1), 'shadowJar')
  })

  it('takes Maven’s settings as text or as a file of the repository, and no other file', () => {
    assert.deepEqual(mavenSettings({}), null)
    assert.deepEqual(mavenSettings({ MAVEN_SETTINGS: ' <settings/>' }), { kind: 'text', text: '<settings/>' })
    assert.deepEqual(mavenSettings({ MAVEN_SETTINGS_PATH: './ci/settings.xml' }), {
      kind: 'file',
      path: 'ci/settings.xml',
    })
    for (const path of ['/etc/passwd', '../x', 'a/../../x'])
      assert.throws(() => mavenSettings({ MAVEN_SETTINGS: path }), refused(/path of a file of the repository/))
  })

  it('knows that a .war comes out of it', () => {
    assert.ok(saysWar({ pom: '<packaging>war</packaging>', gradle: null }))
    assert.ok(saysWar({ pom: null, gradle: "plugins {\n  id 'java'\n  id 'war'\n}" }))
    assert.ok(saysWar({ pom: null, gradle: 'plugins {\n  id("war")\n}' }))
    assert.ok(saysWar({ pom: null, gradle: 'plugins {\n    war\n}' }))
    assert.ok(!saysWar({ pom: '<packaging>jar</packaging>', gradle: "plugins { id 'java' }\n// a war story" }))
  })
})

describe('What of an app’s archives runs', () => {
  const archive = (path: string, facts: Partial<Archive> = {}): Archive => ({
    path,
    main: null,
    spring: false,
    servlet: null,
    error: null,
    ...facts,
  })

  it('is the .jar that starts by itself, past what builds leave beside it', () => {
    const names = [
      'shop-1.jar',
      'shop-1-sources.jar',
      'shop-1-plain.jar',
      'original-shop-1.jar',
      'classes',
      'shop.war.original',
    ]
    assert.deepEqual(archivesIn('target', names), ['target/shop-1.jar'])
    const chosen = chooseArtifact([archive('lib.jar'), archive('shop.jar', { main: 'shop.Main' })])
    assert.deepEqual(chosen, { kind: 'jar', path: 'shop.jar', spring: false })
    assert.equal(
      jarCommand({ path: 'shop.jar' }),
      'java -Dserver.port=$PORT -Dquarkus.http.port=$PORT $JAVA_OPTS -jar shop.jar',
    )
  })

  it('is a .war, by itself if it can, moved to Jakarta EE if it is from before', () => {
    assert.deepEqual(chooseArtifact([archive('a.war', { servlet: 'javax' })]), {
      kind: 'war',
      path: 'a.war',
      migrate: true,
    })
    assert.deepEqual(chooseArtifact([archive('a.war', { servlet: 'jakarta' })]), {
      kind: 'war',
      path: 'a.war',
      migrate: false,
    })
    assert.equal(chooseArtifact([archive('a.war', { main: 'Launcher' })]).kind, 'jar')
  })

  it('is never guessed', () => {
    assert.throws(
      () => chooseArtifact([archive('a.jar', { main: 'A' }), archive('b.jar', { main: 'B' })]),
      refused(/a\.jar, b\.jar\. Say which in a Procfile, such as "web: java -jar a\.jar"/),
    )
    assert.throws(() => chooseArtifact([]), refused(/no \.jar or \.war/))
    assert.throws(
      () => chooseArtifact([archive('a.jar'), archive('b.jar', { error: 'File is not a zip file' })]),
      refused(/a\.jar has no Main-Class in its manifest; b\.jar cannot be read \(File is not a zip file\)/),
    )
    assert.throws(() => chooseArtifact([archive('a b$.jar', { main: 'A' })]), refused(/Rename it/))
  })

  it('is started once for an archive of its classes only if it is one java and nothing else', () => {
    assert.ok(isTrainable(jarCommand({ path: 'a.jar' })))
    assert.ok(isTrainable(warCommand))
    for (const command of [
      'java -jar a.jar && java -jar b.jar',
      'java -jar $(ls *.jar)',
      'sh start.sh',
      'java -jar a.jar | tee x',
    ])
      assert.ok(!isTrainable(command), command)
  })
})

describe('What the JVM is told', () => {
  it('leaves the collector to an app that chooses one, and names an archive only if there is one', () => {
    const usual = profileScript({ commands: ['java -jar a.jar'], archive: null })
    assert.match(usual, /UseSerialGC/)
    assert.doesNotMatch(usual, /SharedArchiveFile/)
    assert.doesNotMatch(profileScript({ commands: ['java -XX:+UseZGC -jar a.jar'], archive: null }), /UseSerialGC/)
    assert.match(
      profileScript({ commands: [], archive: '/app/.berth/java.jsa' }),
      /-XX:SharedArchiveFile=\/app\/\.berth\/java\.jsa/,
    )
    assert.ok(choosesCollector('-Xmx1g -XX:+UseG1GC'))
    assert.ok(!choosesCollector('-XX:+UseStringDeduplication'))
  })
})
