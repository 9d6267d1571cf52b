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

try {
  ensureInstalled();
  const node = findNode24();
  if (!existsSync(main)) build(node, 'build', 'cli');
  runCli(node);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

function runCli(node) {
  const child = spawn(node, ['--enable-source-maps', main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: envFor(node),
  });
  // A terminal's Ctrl-C reaches the child by itself: wait for what it makes of it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
