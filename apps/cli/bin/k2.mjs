#!/usr/bin/env node
// The `k2` command: runs the built CLI on Node 24, after installing and building what is missing.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled, say } from '../../../tools/bootstrap/install.mjs';
import { envFor, findNode24, workspaceRoot } from '../../../tools/bootstrap/node24.mjs';
import { handOver } from '../../../tools/bootstrap/supervise.mjs';

const main = join(workspaceRoot, 'apps', 'cli', 'dist', 'main.js');
const serverMain = join(workspaceRoot, 'apps', 'server', 'dist', 'main.js');

try {
  ensureInstalled();
  const node = findNode24();
  // `k2 up` runs the server.
  if (![main, serverMain].every((file) => existsSync(file))) {
    const { build } = await import('../../../tools/bootstrap/build.mjs');
    build(node, 'run-many', '-t', 'build', '-p', 'cli,server');
  }
  handOver(node, ['--enable-source-maps', main, ...process.argv.slice(2)], { env: envFor(node) });
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
