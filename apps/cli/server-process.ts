import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { CliError, EXIT } from './exit-codes.ts';
import { onStopSignal } from './signals.ts';

const workspace = new URL(import.meta.url.endsWith('.ts') ? '../../' : '../../../', import.meta.url);
const serverMain = fileURLToPath(new URL('apps/server/dist/main.js', workspace));
/** Makes the server stop in good order should this process die without a word. */
const stopWithParent = new URL('tools/bootstrap/stop-with-parent.mjs', workspace).href;

/**
 * Runs the server until it ends and resolves with its exit code. It has a process group of its own, so that a Ctrl-C,
 * however many processes hear of it, reaches it once; one repeated after a second is passed on.
 */
export function superviseServer(args: readonly string[]): Promise<number> {
  if (!existsSync(serverMain)) throw new CliError(`the server is not built (no ${serverMain}): run \`npm run build\``);
  const child = spawn(process.execPath, ['--enable-source-maps', '--import', stopWithParent, serverMain, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, K2_SUPERVISOR: String(process.pid) },
    detached: process.platform !== 'win32',
  });
  onStopSignal((signal) => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', (error) =>
      reject(new CliError(`the server did not start: ${error.message}`, EXIT.failed, { cause: error })),
    );
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  });
}
