/**
 * `npm run test:docker`: builds the image, starts the compose file's K2 on it, records ticks and reads them back, and
 * runs contract suites on the testbed's containers. --optional: where there is no Docker, that is no failure; --install:
 * where it is missing, Debian's is installed; --keep: the containers stay, and so does a daemon that was started.
 */
import { parseArgs } from 'node:util';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROVIDER_ENV } from '../testbed/choose-provider.ts';
import { debianPackage } from '../testbed/cache/debian.ts';
import { workspaceRoot } from '../testbed/places.ts';
import { programIn } from '../testbed/process/find-program.ts';
import { progressOn } from '../testbed/progress.ts';
import { run } from './command.ts';
import { type Daemon, findDaemon, findDockerd, NoDaemonError } from './daemon.ts';
import { type Docker, dockerAt } from './docker.ts';
import { Platform } from './platform.ts';
import { makeStandIns } from './stand-ins.ts';

const ticks = 100_000;
const flag = { type: 'boolean' } as const;
const { values: options } = parseArgs({ options: { optional: flag, install: flag, keep: flag } });
const progress = progressOn();
const undo: (() => Promise<void>)[] = [];
let passed = 0;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interrupted = true;
    void cleanUp().then(() => process.exit(130));
  });
}

try {
  await trial();
  await cleanUp();
  process.stdout.write(`docker: ${passed} passed, 0 failed\n`);
} catch (error) {
  if (!interrupted) await failed(error as Error);
}

async function trial(): Promise<void> {
  if (options.install === true && programIn('docker') === undefined) await installDocker();
  const program = programIn('docker');
  if (program === undefined) throw new NoDaemonError('there is no docker command');
  const daemon = await step('Docker daemon', async () => {
    const found = await findDaemon(program, options.install === true ? installDocker : null);
    if (options.keep !== true) undo.push(() => found.stop());
    return [found, found.description];
  });
  const docker = await step('Docker Compose', async () => {
    const found = await dockerAt(program, daemon.host, progress);
    return [found, (await found.run(['compose', 'version', '--short'])).trim()];
  });
  await images(docker, daemon);
  const platform = await Platform.withTicks(ticks, docker);
  if (options.keep !== true) undo.push(() => platform.down());
  try {
    await told('start', async () => (await platform.up(), 'every container is healthy'));
    await told('read back', () => platform.readBack());
    await told('k2 command', () => platform.command());
    await told('hardening', () => platform.hardened());
    await told('Prometheus', () => platform.scraped());
    await told('stop', () => platform.drained());
  } catch (error) {
    process.stderr.write(`${await platform.logs()}\n`);
    throw error;
  }
  if (options.keep !== true) await told('removal', async () => (await platform.down(), 'with volumes'));
  await told('testbed', () => contractSuite(docker));
}

function installDocker(): Promise<string> {
  return debianPackage({
    what: 'Docker (docker.io)',
    packages: ['docker.io'],
    elsewhere: 'install Docker',
    find: findDockerd,
    progress,
  });
}

async function images(docker: Docker, daemon: Daemon): Promise<void> {
  await told('images', async () => {
    // In somebody else's daemon the official names belong to the official images: Compose pulls them.
    if (!daemon.own) return 'the official ones, pulled as needed';
    return `stand-ins of the same servers: ${(await makeStandIns(docker, progress)).join(', ')}`;
  });
  await told('K2 image', async () => {
    const network = daemon.own ? ['--network', 'host'] : [];
    const file = join(workspaceRoot, 'infra', 'Dockerfile');
    await docker.build('k2:local', workspaceRoot, ['--file', file, ...network]);
    const sizeOf = async (image: string) =>
      Number(await docker.run(['image', 'inspect', '--format', '{{.Size}}', image]));
    const megabytes = Math.round(((await sizeOf('k2:local')) - (await sizeOf('node:24-bookworm-slim'))) / 1e6);
    return `${megabytes} MB on top of the Node image`;
  });
}

/** The testbed's containers, with the smallest suite that needs one. */
async function contractSuite(docker: Docker): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'k2-trial-'));
  const file = join(workspaceRoot, 'tools', 'testbed', 'test-services.ts');
  const quiet = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning'];
  const args = ['--conditions=k2-source', ...quiet, file, '--services', 'redis,postgres'];
  try {
    await run(process.execPath, [...args, '-p', 'adapter-redis,adapter-postgres'], {
      directory: workspaceRoot,
      // A directory of its own: servers that are up are not asked.
      env: { ...docker.env, [PROVIDER_ENV]: 'docker', K2_TESTBED_DIR: directory, K2_SERVICES_FILE: '' },
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return 'Redis and PostgreSQL as containers pass their contract suites';
}

async function told(name: string, work: () => Promise<string>): Promise<void> {
  await step(name, async () => [undefined, await work()]);
}

async function step<Result>(name: string, work: () => Promise<[result: Result, outcome: string]>): Promise<Result> {
  const startedMs = performance.now();
  progress.update(name);
  const [result, outcome] = await work();
  passed++;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  progress.say(`${seconds.padStart(6)} s  ${name}: ${outcome}`);
  return result;
}

/** Last things first. */
async function cleanUp(): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    await step().catch((error: Error) => progress.say(`not cleaned up: ${error.message}`));
  }
}

async function failed(error: Error): Promise<void> {
  await cleanUp();
  if (error instanceof NoDaemonError) {
    progress.say(`NOT RUN: the Docker image, the compose file and the testbed's containers: ${error.message}`);
    process.exitCode = options.optional === true ? 0 : 1;
    return;
  }
  progress.say(error.message);
  process.stdout.write(`docker: ${passed} passed, 1 failed\n`);
  process.exitCode = 1;
}
