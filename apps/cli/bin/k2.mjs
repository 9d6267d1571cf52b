#!/usr/bin/env node
// The `k2` command: runs the built CLI on Node 24, after installing and building what is missing.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled, say } from '../../../tools/bootstrap/install.mjs';
import { findNode24, workspaceRoot } from '../../../tools/bootstrap/node24.mjs';

const main = join(workspaceRoot, 'apps', 'cli', 'dist', 'main.js');
const serverMain = join(workspaceRoot, 'apps', 'server', 'dist', 'main.js');
/** Where V8 keeps what it has compiled: half of the time of a short command would go there. */
const compileCache = process.env.NODE_COMPILE_CACHE ?? join(workspaceRoot, 'node_modules', '.cache', 'k2');
/** Reading the source maps takes a moment, and only a stack trace needs them. */
const isDebugging = process.env.K2_DEBUG === '1';

try {
  ensureInstalled();
  const node = findNode24();
  // `k2 up` runs the server.
  if (![main, serverMain].every((file) => existsSync(file))) {
    const { build } = await import('../../../tools/bootstrap/build.mjs');
    build(node, 'run-many', '-t', 'build', '-p', 'cli,server');
  }
  if (node === process.execPath) await runHere();
  else await runOn(node);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

async function runHere() {
  module.enableCompileCache(compileCache);
  process.setSourceMapsEnabled(isDebugging);
  // npm passes SIGTERM on to the shell that it runs us in, and a shell keeps it to itself.
  if (process.env.npm_command !== undefined) process.env.K2_SUPERVISOR = String(process.ppid);
  await import(pathToFileURL(main));
}

async function runOn(node) {
  const { handOver } = await import('../../../tools/bootstrap/supervise.mjs');
  const flags = isDebugging ? ['--enable-source-maps'] : [];
  handOver(node, [...flags, main, ...process.argv.slice(2)], {
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  });
}
