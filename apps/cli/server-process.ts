import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { CliError, EXIT } from './exit-codes.ts';
import { onStopSignal } from './signals.ts';
import { workspaceFile } from './workspace.ts';

const serverMain = fileURLToPath(workspaceFile('apps/server/dist/main.js'));
/** Makes the server stop in good order should the launcher die without a word. */
const stopWithParent = workspaceFile('tools/bootstrap/stop-with-parent.mjs').href;

/**
 * The server, in the place of this process: it keeps its number, terminal and parent, so that whatever ends `k2 up` ends
 * the server. Windows has no such thing; there it is a child, and this resolves with its exit code.
 */
export function becomeServer(args: readonly string[]): Promise<number> {
  if (!existsSync(serverMain)) throw new CliError(`the server is not built (no ${serverMain}): run \`npm run build\``);
  const command = ['--enable-source-maps', '--import', stopWithParent, serverMain, ...args];
  if (process.platform !== 'win32') process.execve!(process.execPath, [process.execPath, ...command], process.env);
  const env = { ...process.env, K2_SUPERVISOR: String(process.pid) };
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'inherit', 'inherit'], env });
  onStopSignal((signal) => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', (error) =>
      reject(new CliError(`the server did not start: ${error.message}`, EXIT.failed, { cause: error })),
    );
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  });
}
