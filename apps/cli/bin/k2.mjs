#!/usr/bin/env node
// The `k2` command: runs the built CLI on Node 24, after installing and building what is missing.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { build } from '../../../tools/bootstrap/build.mjs';
import { ensureInstalled, say } from '../../../tools/bootstrap/install.mjs';
import { envFor, findNode24, workspaceRoot } from '../../../tools/bootstrap/node24.mjs';

const main = join(workspaceRoot, 'apps', 'cli', 'dist', 'main.js');
const serverMain = join(workspaceRoot, 'apps', 'server', 'dist', 'main.js');
/** Makes the CLI stop in good order, and its server with it, should this process die without a word. */
const stopWithParent = new URL('../../../tools/bootstrap/stop-with-parent.mjs', import.meta.url).href;

try {
  ensureInstalled();
  const node = findNode24();
  // `k2 up` runs the server.
  if (![main, serverMain].every((file) => existsSync(file))) build(node, 'run-many', '-t', 'build', '-p', 'cli,server');
  runCli(node);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

function runCli(node) {
  const child = spawn(node, ['--enable-source-maps', '--import', stopWithParent, main, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...envFor(node), K2_SUPERVISOR: String(process.pid) },
  });
  // A terminal's Ctrl-C reaches the child by itself, anything else only through here; the child drops the echo.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
