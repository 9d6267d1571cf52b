import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { onParentGone } from './parent.mjs';

const repeatIgnoredMs = 1_000;

/**
 * Runs a long-lived process in a group of its own and passes on its exit code. SIGINT and SIGTERM reach it once, however
 * they arrive: Ctrl-C in a terminal signals the whole process group, and npm then signals us a second time. So a repeat
 * within a second is dropped. A later one is passed on: somebody is impatient.
 */
export function supervise(command, args, options) {
  const detached = process.platform !== 'win32';
  const preload = ['--import', new URL('stop-with-parent.mjs', import.meta.url).href];
  const child = start(command, [...preload, ...args], {
    ...options,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached,
  });
  let lastSignalMs = -Infinity;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const nowMs = performance.now();
      if (nowMs - lastSignalMs > repeatIgnoredMs) child.kill(signal);
      lastSignalMs = nowMs;
    });
  }
}

/**
 * Runs a command in this process's place: it has our terminal, drops the echoes of a Ctrl-C by itself, and by itself stops
 * when K2_SUPERVISOR is gone: a preload that saw to it would take longer than many a command.
 */
export function handOver(command, args, options) {
  const child = start(command, args, { ...options, stdio: 'inherit' });
  // A hangup is the command's to hear or, under nohup, to miss.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
}

function start(command, args, options) {
  const env = { ...options.env, K2_SUPERVISOR: String(process.pid) };
  const child = spawn(command, args, { ...options, env });
  // npm passes SIGTERM on to the shell that it runs us in, and a shell keeps it to itself.
  if (process.env.npm_command !== undefined) onParentGone(() => child.kill('SIGTERM'));
  child.on('error', (error) => {
    process.stderr.write(`k2: cannot start ${command}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
  return child;
}
