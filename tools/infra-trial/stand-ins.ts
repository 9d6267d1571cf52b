import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheDirectory } from '../testbed/cache/cached.ts';
import { debianPackage } from '../testbed/cache/debian.ts';
import { programIn } from '../testbed/process/find-program.ts';
import type { Progress } from '../testbed/progress.ts';
import { versions } from '../testbed/versions.ts';
import { run } from './command.ts';
import type { Docker } from './docker.ts';

interface StandIn {
  /** Of the official image that it has the name of. */
  readonly image: string;
  /** In stand-ins/. */
  readonly folder: string;
  /** What its Dockerfile copies, besides its own files: from where, under which name. */
  readonly files?: () => Promise<Readonly<Record<string, string>>>;
  readonly options?: readonly string[];
}

const base = 'k2-stand-in/debian:bookworm';

/** What is behind each name is in the first line of its Dockerfile. */
const standIns = (progress: Progress): readonly StandIn[] => [
  // Its packages come over the network of this machine, which may not be the containers' one.
  { image: 'k2-stand-in/servers:bookworm', folder: 'debian-servers', options: ['--network', 'host'] },
  { image: 'node:24-bookworm-slim', folder: 'node', files: nodeFiles },
  {
    image: `apache/kafka:${versions.kafka}`,
    folder: 'kafka',
    files: async () => {
      await (await import('../testbed/process/kafka.ts')).kafka.install(progress);
      return { jars: join(cacheDirectory(), `kafka-${versions.kafka}`) };
    },
  },
  {
    image: `apicurio/apicurio-registry:${versions.apicurio}`,
    folder: 'schema-registry',
    files: async () => {
      await (await import('../testbed/process/schema-registry.ts')).schemaRegistry.install(progress);
      return { app: join(cacheDirectory(), `apicurio-${versions.apicurio}`) };
    },
  },
  {
    image: 'minio/minio:RELEASE.2025-09-07T16-13-09Z',
    folder: 'minio',
    files: async () => {
      await (await import('../testbed/process/minio.ts')).minio.install(progress);
      return { minio: join(cacheDirectory(), `minio-${versions.minio}`, 'minio') };
    },
  },
  {
    image: `versity/versitygw:${versions.versitygw}`,
    folder: 'versitygw',
    files: async () => {
      await (await import('../testbed/process/versitygw.ts')).versitygw.install(progress);
      return { versitygw: join(cacheDirectory(), `versitygw-${versions.versitygw}`, 'versitygw') };
    },
  },
  { image: 'postgres:17', folder: 'postgres' },
  { image: 'redis:7', folder: 'redis' },
  { image: 'prom/prometheus:v3.5.0', folder: 'prometheus' },
];

/**
 * Images under the official names, for a daemon of our own that can pull none: the same servers from the packages of
 * Debian, Maven Central, Go and npm, started the way that the official images are, as far as K2 uses them.
 */
export async function makeStandIns(docker: Docker, progress: Progress): Promise<readonly string[]> {
  if (!(await docker.hasImage(base))) {
    progress.update('base image: debootstrap');
    await makeBase(docker, progress);
  }
  const made: string[] = [];
  for (const standIn of standIns(progress)) {
    const mark = markOf(standIn);
    if (!(await docker.hasImage(standIn.image, mark))) {
      progress.update(`image ${standIn.image}`);
      await make(docker, standIn, mark);
    }
    if (!standIn.image.startsWith('k2-stand-in/')) made.push(standIn.image);
  }
  return made;
}

async function makeBase(docker: Docker, progress: Progress): Promise<void> {
  const debootstrap = await debianPackage({
    what: 'debootstrap',
    packages: ['debootstrap'],
    elsewhere: 'stand-in images are made of Debian’s packages',
    find: () => programIn('debootstrap', '/usr/sbin'),
    progress,
  });
  const directory = mkdtempSync(join(tmpdir(), 'k2-stand-in-'));
  try {
    const root = join(directory, 'root');
    await run(debootstrap, ['--variant=minbase', '--include=ca-certificates,curl', 'bookworm', root]);
    const archive = join(directory, 'root.tar');
    await run('tar', ['-C', root, '--exclude=./dev', '--exclude=./var/cache/apt/archives/*.deb', '-cf', archive, '.']);
    await docker.run(['import', archive, base]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function make(docker: Docker, { image, folder, files, options = [] }: StandIn, mark: string): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), 'k2-stand-in-'));
  try {
    cpSync(folderOf(folder), context, { recursive: true });
    for (const [name, from] of Object.entries((await files?.()) ?? {})) {
      cpSync(from, join(context, name), { recursive: true, dereference: true });
    }
    await docker.build(image, context, ['--label', `k2.stand-in=${mark}`, ...options]);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Of what it is made of: an image with another one is old. */
function markOf({ folder }: StandIn): string {
  const hash = createHash('sha256').update(JSON.stringify(versions));
  for (const name of ['debian-servers', folder]) {
    for (const file of readdirSync(folderOf(name)).sort()) hash.update(readFileSync(join(folderOf(name), file)));
  }
  return hash.digest('hex').slice(0, 16);
}

function folderOf(name: string): string {
  return join(import.meta.dirname, 'stand-ins', name);
}

/** The workspace's Node, with this machine's npm and what this machine trusts: its registry may be behind a proxy. */
async function nodeFiles(): Promise<Readonly<Record<string, string>>> {
  const npm = programIn('npm');
  if (npm === undefined) throw new Error('the stand-in of the Node image is made with this machine’s npm: install it');
  const npmPackage = dirname(dirname(realpathSync(npm)));
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  if (!existsSync(certificates)) throw new Error(`there is no ${certificates}: install ca-certificates`);
  return {
    node: realpathSync(process.execPath),
    npm: npmPackage,
    'certificates.pem': certificates,
  };
}
