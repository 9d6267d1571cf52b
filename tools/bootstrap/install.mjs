import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { workspaceRoot } from './node24.mjs';

const lockfile = join(workspaceRoot, 'package-lock.json');
/** package-lock.json as it was when everything in it was last found to be installed: asking npm's record takes longer. */
const provenLockfile = join(workspaceRoot, 'node_modules', `.k2-installed-${process.platform}-${process.arch}`);
/** npm's own record of what it has installed, by whatever command. */
const installedFile = join(workspaceRoot, 'node_modules', '.package-lock.json');
const lockDir = join(workspaceRoot, '.cache', 'install.lock');

/** Installs dependencies when there are none, or when package-lock.json has changed since the last time. */
export function ensureInstalled() {
  if (isInstalled()) return;
  withLock(() => {
    // Another process may have done it while this one waited for the lock.
    if (isInstalled()) return;
    say('installing dependencies, some minutes the first time…');
    npm(['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']);
    copyFileSync(lockfile, provenLockfile);
  });
}

/** Progress goes to stderr: a command's stdout belongs to its result. */
export function say(line) {
  process.stderr.write(`k2: ${line}\n`);
}

function isInstalled() {
  const wanted = readFileSync(lockfile, 'utf8');
  if (readIfExists(provenLockfile) === wanted) return true;
  const installed = readIfExists(installedFile);
  if (installed === undefined || !isAsLocked(JSON.parse(installed), JSON.parse(wanted))) return false;
  try {
    copyFileSync(lockfile, provenLockfile);
  } catch {
    // A checkout that others own: compared again the next time.
  }
  return true;
}

/** Whether npm has installed each package that package-lock.json names; optional ones are of some platforms only. */
export function isAsLocked({ packages: installed }, { packages: wanted }) {
  return Object.entries(wanted).every(([path, { version, integrity, optional, link }]) => {
    if (!path.includes('node_modules/')) return true;
    const found = installed[path];
    if (found === undefined) return optional === true;
    return link === true ? found.link === true : found.version === version && found.integrity === integrity;
  });
}

function npm(args) {
  // The npm that started us, if one did: it need not be the one in PATH.
  const cli = process.env.npm_execpath ?? '';
  const own = basename(cli) === 'npm-cli.js';
  const { status, error } = spawnSync(own ? process.execPath : 'npm', own ? [cli, ...args] : args, {
    cwd: workspaceRoot,
    stdio: ['ignore', process.stderr, process.stderr],
    shell: !own && process.platform === 'win32',
  });
  if (status !== 0) {
    throw new Error(
      `installing dependencies failed (npm ${args[0]}: ${error?.message ?? `exit code ${status}`}). ` +
        'npm says why above. Check the network and the npm registry setting, then run the command again.',
    );
  }
}

// `npm ci` empties node_modules: two at once would destroy each other's work.
function withLock(work) {
  const holderFile = join(lockDir, 'pid');
  mkdirSync(join(workspaceRoot, '.cache'), { recursive: true });
  for (let waited = false; ; waited = true) {
    try {
      mkdirSync(lockDir);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!waited) say('waiting for another process that is installing dependencies…');
      sleepMs(500);
      if (!isAlive(readIfExists(holderFile))) rmSync(lockDir, { recursive: true, force: true });
    }
  }
  try {
    writeFileSync(holderFile, String(process.pid));
    work();
  } finally {
    rmSync(lockDir, { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    return pid !== undefined && process.kill(Number(pid), 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function readIfExists(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function sleepMs(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
