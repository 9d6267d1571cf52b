import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { programIn } from '../testbed/process/find-program.ts';
import { isRunning, launch, terminate } from '../testbed/process/local-process.ts';
import { waitUntil } from '../testbed/wait-until.ts';
import { run } from './command.ts';

/** There is no way to have a Docker daemon here. */
export class NoDaemonError extends Error {}

export interface Daemon {
  /** For `DOCKER_HOST`. */
  readonly host: string;
  /** Started by us, so that its images are ours to make. */
  readonly own: boolean;
  readonly description: string;
  stop(): Promise<void>;
}

const startTimeoutMs = 60_000;

/** Images stay there from run to run. */
const home = process.env['K2_DOCKER_CACHE'] || join(homedir(), '.cache', 'k2-docker');
const execRoot = join(home, 'exec');

/** The daemon that answers; else one of our own, which root can start where dockerd is installed or `install` gets it. */
export async function findDaemon(docker: string, install: (() => Promise<string>) | null): Promise<Daemon> {
  const context = process.env['DOCKER_HOST'] ?? (await contextHost(docker));
  if (await answers(docker, context)) return found(context, false);
  const own = `unix://${join(home, 'docker.sock')}`;
  if (await answers(docker, own)) return found(own, true);
  return startDaemon(docker, own, install);
}

function found(host: string, own: boolean): Daemon {
  return { host, own, description: `the one that answers at ${host}`, stop: async () => {} };
}

export function findDockerd(): string | undefined {
  return programIn('dockerd', '/usr/sbin', '/usr/local/sbin');
}

async function startDaemon(docker: string, host: string, install: (() => Promise<string>) | null): Promise<Daemon> {
  if (process.getuid?.() !== 0) throw new NoDaemonError('no Docker daemon answers, and only root can start one');
  const dockerd = findDockerd() ?? (await install?.());
  if (dockerd === undefined) throw new NoDaemonError('no Docker daemon answers, and dockerd is not installed');
  mkdirSync(home, { recursive: true });
  const logFile = join(home, 'dockerd.log');
  // The second one copies every layer, and runs on every file system.
  for (const driver of ['overlay2', 'vfs']) {
    // Of a daemon that was killed; where it runs it would have answered.
    rmSync(join(home, 'docker.pid'), { force: true });
    const data = join(home, `data-${driver}`);
    const args = ['--host', host, '--data-root', data, '--exec-root', execRoot];
    const identity = await launch(
      {
        file: dockerd,
        args: [...args, '--pidfile', join(home, 'docker.pid'), '--storage-driver', driver],
        directory: home,
      },
      logFile,
    );
    const failed = new Error('the daemon ended');
    try {
      await waitUntil(
        async () => {
          if (!isRunning(identity)) throw failed;
          return answers(docker, host);
        },
        startTimeoutMs,
        () => failed,
        200,
      );
      const stop = async () => {
        await terminate(identity);
        await unmountNetwork();
      };
      return { host, own: true, description: `started (${driver}, images in ${data})`, stop };
    } catch (error) {
      await terminate(identity);
      if (error !== failed) throw error;
    }
  }
  throw new NoDaemonError(`dockerd does not run here: ${logFile} says why`);
}

/** What dockerd leaves mounted, and nobody could delete then. */
async function unmountNetwork(): Promise<void> {
  await run('umount', [join(execRoot, 'netns', 'default')]).catch(() => undefined);
}

async function contextHost(docker: string): Promise<string> {
  const host = await run(docker, ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']).catch(() => '');
  return host.trim() || 'unix:///var/run/docker.sock';
}

async function answers(docker: string, host: string): Promise<boolean> {
  const socket = /^unix:\/\/(.*)$/.exec(host)?.[1];
  if (socket !== undefined && !existsSync(socket)) return false;
  return run(docker, ['version', '--format', '{{.Server.Version}}'], { env: { DOCKER_HOST: host } }).then(
    () => true,
    () => false,
  );
}
