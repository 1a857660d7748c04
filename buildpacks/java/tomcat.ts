/** A .war as it is, run by Debian's Tomcat inside the JVM that web is: no service, no user of its own, nothing but /tmp written. */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assetFile } from '../assets.ts'
import type { Build } from '../contract.ts'

/** In the slug; the .war itself is not kept beside what was in it. */
export const TOMCAT = '.berth/tomcat'
const WEBAPP = `${TOMCAT}/webapp`

/** Of Debian's libtomcat11-java and what it depends on; nothing here is an administrator's console or a cluster. */
const jars = [
  ...[
    'annotations-api',
    'api',
    'catalina',
    'coyote',
    'dbcp',
    'el-api',
    'jasper',
    'jasper-el',
    'jaspic-api',
    'jdbc',
    'jni',
    'jsp-api',
    'juli',
    'servlet-api',
    'util',
    'util-scan',
    'websocket',
    'websocket-api',
    'websocket-client-api',
  ].map((name) => `/usr/share/java/tomcat11-${name}.jar`),
  '/usr/share/java/eclipse-jdt-core-compiler-batch.jar',
]

export const warCommand = `java -Dberth.port=$PORT $JAVA_OPTS @${TOMCAT}/options`

/** Arguments for `java` (its @argfiles). Access is logged by the router; the context is the root, whatever the .war is called. */
const options = [
  `-Dcatalina.base=/app/${TOMCAT}`,
  `-Dcatalina.home=/app/${TOMCAT}`,
  `-Djava.util.logging.config.file=/app/${TOMCAT}/logging.properties`,
  `-cp ${jars.join(':')}`,
  `org.apache.catalina.startup.Tomcat --await --catalina -config /app/${TOMCAT}/server.xml start`,
  '',
].join('\n')

/**
 * Unpacks a .war into the slug, with the names of Java EE's packages changed to Jakarta EE's where it is from before 2020:
 * the tool is Tomcat's own (https://tomcat.apache.org/migration-10.html), and the app's repository stays as it is.
 */
export async function unpackWar(build: Build, war: string, migrate: boolean, env: NodeJS.ProcessEnv): Promise<void> {
  const { app } = build
  const webapp = join(app.path, WEBAPP)
  await mkdir(join(app.path, TOMCAT), { recursive: true })
  const unpacked = migrate ? `${webapp}.javax` : webapp
  await build.run({
    title: 'Unpacking the web application',
    shown: `unzip ${war}`,
    argv: ['/usr/bin/python3', '-I', '-m', 'zipfile', '-e', war, unpacked],
    env,
  })
  if (migrate) {
    await build.run({
      title: 'Moving it from Java EE (javax.servlet) to Jakarta EE, which Tomcat 11 runs',
      shown: 'javax2jakarta',
      argv: ['javax2jakarta', '-logLevel=WARNING', '-profile=EE', unpacked, webapp],
      env,
    })
    await rm(unpacked, { recursive: true, force: true })
  }
  await rm(join(app.path, war), { force: true })
  await writeFile(join(app.path, TOMCAT, 'options'), options)
  for (const name of ['server.xml', 'logging.properties'])
    await copyFile(assetFile('tomcat', name), join(app.path, TOMCAT, name))
}
