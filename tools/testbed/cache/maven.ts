import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programIn } from '../process/find-program.ts';
import type { Java } from '../process/java.ts';
import { runTool } from '../process/run-tool.ts';
import type { Progress } from '../progress.ts';
import { debianPackage } from './debian.ts';

/** A download from Maven Central, or from the mirror that the user's Maven settings name; checksums are checked. */
export interface MavenDownload {
  /** With the version: "Kafka 4.3.1". */
  readonly title: string;
  /** About what comes over the network, for the progress line. */
  readonly megabytes: number;
  /** What Maven runs on where it finds no Java itself. */
  readonly java: Java;
}

const plugin = 'org.apache.maven.plugins:maven-dependency-plugin';

/** Puts these jars, "group:artifact:version", and everything that they need at run time into the directory. */
export async function mavenJars(
  download: MavenDownload & { readonly jars: readonly string[] },
  directory: string,
  progress: Progress,
): Promise<void> {
  const pom = join(directory, 'pom.xml');
  await writeFile(pom, pomOf(download.jars));
  const goal = [
    `${plugin}:3.6.1:copy-dependencies`,
    `-f=${pom}`,
    '-DincludeScope=runtime',
    `-DoutputDirectory=${directory}`,
  ];
  await runMaven(download, goal, directory, progress);
  await rm(pom);
}

/** Puts what is in that archive, "group:artifact:version:tar.gz[:classifier]", into the directory. */
export async function mavenArchive(
  download: MavenDownload & { readonly archive: string },
  directory: string,
  progress: Progress,
): Promise<void> {
  // Later versions read the archive's description and its parents, even for nothing, and those are not always published.
  const goal = [`${plugin}:2.10:get`, `-Dartifact=${download.archive}`, '-Dtransitive=false'];
  await runMaven(download, goal, directory, progress, async (repository) => {
    const [group, artifact, version] = download.archive.split(':');
    const home = join(repository, ...group.split('.'), artifact, version);
    const archive = (await readdir(home)).find((name) => name.endsWith('.tar.gz')) as string;
    progress.update(`${download.title}: unpacking`);
    await runTool(`${download.title}: unpacking`, 'tar', ['-xzf', join(home, archive)], { directory });
  });
}

async function runMaven(
  { title, megabytes, java }: MavenDownload,
  goal: readonly string[],
  directory: string,
  progress: Progress,
  take: (repository: string) => Promise<void> = async () => {},
): Promise<void> {
  const mvn = await debianPackage({
    what: `Maven, which downloads ${title},`,
    packages: ['maven'],
    elsewhere: 'install it (brew install maven, or https://maven.apache.org)',
    find: () => programIn('mvn'),
    progress,
  });
  // Of this download alone: Maven's repository does not bear several processes at the same time.
  const repository = join(directory, '.repository');
  const watch = setInterval(() => {
    void directoryBytes(repository).then((bytes) =>
      progress.update(`${title}: downloading, ${Math.round(bytes / 1e6)} of about ${megabytes} MB`),
    );
  }, 500);
  try {
    await runTool(
      `${title}: downloading from Maven Central`,
      mvn,
      ['--batch-mode', '--strict-checksums', `-Dmaven.repo.local=${repository}`, ...goal],
      { env: hasOwnJava() ? {} : { JAVA_HOME: java.home }, directory },
    );
  } finally {
    clearInterval(watch);
  }
  await take(repository);
  await rm(repository, { recursive: true });
}

/** It may trust certificates of its owner's network, which another would not. */
function hasOwnJava(): boolean {
  return process.env['JAVA_HOME'] !== undefined || programIn('java') !== undefined;
}

function pomOf(jars: readonly string[]): string {
  const dependencies = jars.map((jar) => {
    const [group, artifact, version] = jar.split(':');
    const coordinates = `<groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>`;
    return `<dependency>${coordinates}</dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>k2</groupId><artifactId>testbed</artifactId><version>1</version>
<dependencies>
${dependencies.join('\n')}
</dependencies></project>
`;
}

async function directoryBytes(directory: string): Promise<number> {
  // Files come and go under Maven's hands.
  const files = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = files
    .filter((file) => file.isFile())
    .map((file) =>
      stat(join(file.parentPath, file.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
