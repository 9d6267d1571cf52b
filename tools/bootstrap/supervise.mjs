import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const repeatIgnoredMs = 1_000;

/**
 * Runs a long-lived process and passes on its exit code. SIGINT and SIGTERM reach it once, however they arrive:
 * Ctrl-C in a terminal signals the whole process group, and npm then signals us a second time. So the process gets a
 * group of its own, and a repeat within a second is dropped. A later one is passed on: somebody is impatient.
 */
export function supervise(command, args, options) {
  const child = spawn(command, ['--import', new URL('stop-with-parent.mjs', import.meta.url).href, ...args], {
    ...options,
    env: { ...options.env, K2_SUPERVISOR: String(process.pid) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: process.platform !== 'win32',
  });

  let lastSignalMs = -Infinity;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const nowMs = performance.now();
      if (nowMs - lastSignalMs > repeatIgnoredMs) child.kill(signal);
      lastSignalMs = nowMs;
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`k2: cannot start ${command}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
