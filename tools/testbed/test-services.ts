/** `npm run test:services`: the specs that need real servers, with servers of their own where none are up. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES_FILE_ENV } from '@k2/testing/services';
import { testServicesCommand, UsageError } from './command-line.ts';
import { testbedDirectory, upDirectory, upServicesFile, workspaceRoot } from './places.ts';
import { terminate } from './process/local-process.ts';
import { processEntry } from './process/process-table.ts';
import { progressOn } from './progress.ts';
import type { TestbedServiceName } from './service-names.ts';
import { statusOf } from './status.ts';
import { openTestbed, startTestbed, type Testbed } from './testbed.ts';

const progress = progressOn();
const interruptedCode = 130;
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());

// What was starting when we were interrupted is not waited for: its guard stops it.
process.exit(await main());

async function main(): Promise<number> {
  try {
    const { names, nxArgs } = testServicesCommand(process.argv.slice(2));
    const given = process.env[SERVICES_FILE_ENV] || (await fileOfRunning(names));
    return given === null ? await withOwnServers(names, nxArgs) : await runSpecs(nxArgs, given);
  } catch (error) {
    progress.say((error as Error).message);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** What `npm run services up` started, where all that is wanted is there and answers. */
async function fileOfRunning(names: readonly TestbedServiceName[]): Promise<string | null> {
  if (!existsSync(upServicesFile)) return null;
  const answering = (await statusOf(await openTestbed(upDirectory))).filter(({ state }) => state === 'answers');
  return names.every((name) => answering.some(({ service }) => service === name)) ? upServicesFile : null;
}

async function withOwnServers(names: readonly TestbedServiceName[], nxArgs: readonly string[]): Promise<number> {
  const directory = join(testbedDirectory, `test-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  progress.update(`starting ${names.join(', ')}`);
  const bed = await Promise.race([startTestbed(names, { directory, progress }), interruption()]);
  if (bed === null) return interruptedCode;
  let code = 1;
  try {
    progress.say(`running for these tests: ${names.join(', ')}`);
    code = await runSpecs(nxArgs, bed.servicesFile);
    return code;
  } finally {
    await stop(bed, code);
  }
}

async function stop(bed: Testbed, code: number): Promise<void> {
  const keepLogs = code !== 0 && code !== interruptedCode;
  await bed.stop({ keepLogs });
  if (keepLogs) progress.say(`the servers' logs are in ${bed.directory}`);
}

async function runSpecs(nxArgs: readonly string[], servicesFile: string): Promise<number> {
  if (interrupted.signal.aborted) return interruptedCode;
  progress.say(`servers: ${servicesFile}`);
  const nx = join(workspaceRoot, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
  const child = spawn(process.execPath, [nx, 'run-many', '-t', 'test-services', '--parallel=1', ...nxArgs], {
    cwd: workspaceRoot,
    // Nx would put its tasks into terminals of their own, for which it needs one that is ours; we may have none, because
    // our signals come from the launcher alone.
    env: { ...process.env, NX_NATIVE_COMMAND_RUNNER: 'false', [SERVICES_FILE_ENV]: servicesFile },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = once(child, 'exit').then(([code]) => (code as number | null) ?? 1);
  const code = await Promise.race([ended, interruption()]);
  if (code !== null) return code;
  // Its specs have processes of their own.
  const pid = child.pid as number;
  await terminate({ pid, startedAt: processEntry(pid)?.startedAt ?? 'never' });
  return interruptedCode;
}

function interruption(): Promise<null> {
  if (interrupted.signal.aborted) return Promise.resolve(null);
  return new Promise((resolve) => interrupted.signal.addEventListener('abort', () => resolve(null), { once: true }));
}
