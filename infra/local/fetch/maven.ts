/** Resolves a set of jars with Maven from a pom made for the purpose. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DOWNLOAD_MS, run } from '../run.js';
import type { MavenDependency } from '../types.js';

const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** Copies all jars of the set into a folder and returns the folder and the names. */
export async function mavenCopy(
  dependencies: readonly MavenDependency[],
  dir: string,
  javaHome: string,
): Promise<{ jars: string; names: string[] }> {
  const jars = join(dir, 'jars');
  await mkdir(jars, { recursive: true });
  await writeFile(join(dir, 'pom.xml'), pom(dependencies));
  await run(
    'mvn',
    ['-q', '-B', '-f', join(dir, 'pom.xml'), COPY, '-DincludeScope=runtime', `-DoutputDirectory=${jars}`],
    {
      cwd: dir,
      env: { ...process.env, JAVA_HOME: javaHome },
      timeoutMs: DOWNLOAD_MS,
    },
  );
  return { jars, names: (await readdir(jars)).sort() };
}

function pom(dependencies: readonly MavenDependency[]): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.sluice.local</groupId>
  <artifactId>jars</artifactId>
  <version>1</version>
  <dependencies>
${dependencies.map(dependencyXml).join('\n')}
  </dependencies>
</project>
`;
}

function dependencyXml(dependency: MavenDependency): string {
  const exclusions = (dependency.exclusions ?? []).map((exclusion) => {
    const [groupId = '*', artifactId = '*'] = exclusion.split(':');
    return `<exclusion><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId></exclusion>`;
  });
  return [
    '    <dependency>',
    `<groupId>${dependency.groupId}</groupId><artifactId>${dependency.artifactId}</artifactId>`,
    `<version>${dependency.version}</version>`,
    exclusions.length === 0 ? '' : `<exclusions>${exclusions.join('')}</exclusions>`,
    '</dependency>',
  ].join('');
}
