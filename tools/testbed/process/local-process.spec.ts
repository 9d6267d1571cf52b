import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../wait-until.ts';
import {
  conditionOf,
  isRunning,
  kill,
  launch,
  pause,
  type ProcessIdentity,
  resume,
  terminate,
} from './local-process.ts';
import { processEntry } from './process-table.ts';

let directory: string;
let logFile: string;
let launched: ProcessIdentity[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'k2-process-'));
  logFile = join(directory, 'log');
  launched = [];
});

afterEach(async () => {
  for (const identity of launched) await kill(identity);
  rmSync(directory, { recursive: true });
});

it('appends what each start prints to the log', async () => {
  for (const word of ['one', 'two']) {
    const identity = await start(`console.log('${word}')`);
    await until(() => !isRunning(identity));
  }
  expect(readFileSync(logFile, 'utf8')).toBe('one\ntwo\n');
});

it('says what cannot be started', async () => {
  const command = { file: join(directory, 'missing'), args: [], directory };
  await expect(launch(command, logFile)).rejects.toThrow('ENOENT');
});

it('ends a process that hears its signal', async () => {
  const identity = await start(`process.on('SIGINT', () => process.exit()); ${forever}`, 'ready');
  await terminate(identity, 'SIGINT');
  expect(conditionOf(identity)).toEqual({ running: false, pid: null, rssBytes: null });
});

it('ends one that is paused', async () => {
  const identity = await start(forever, 'ready');
  pause(identity);
  await terminate(identity);
  expect(isRunning(identity)).toBe(false);
});

it('kills what the process has started, too', async () => {
  const childFile = join(directory, 'child');
  const identity = await start(
    `const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true });
     require('node:fs').writeFileSync(${JSON.stringify(childFile)}, String(child.pid)); ${forever}`,
    'ready',
  );
  const childPid = Number(readFileSync(childFile, 'utf8'));
  expect(processEntry(childPid)?.parentPid).toBe(identity.pid);
  await kill(identity);
  expect(processEntry(childPid)).toBeUndefined();
  expect(isRunning(identity)).toBe(false);
});

it('freezes a process and lets it go on', async () => {
  const frozen = await startBeating('frozen');
  const other = await startBeating('other');
  pause(frozen.identity);
  await beats(other, 5);
  const before = frozen.count();
  await beats(other, 20);
  expect(frozen.count()).toBe(before);
  expect(conditionOf(frozen.identity).running).toBe(true);
  resume(frozen.identity);
  await beats(frozen, 1);
});

it('never touches another process that has got its pid', async () => {
  const identity = await start(forever, 'ready');
  const earlier = { ...identity, startedAt: 'before' };
  expect(isRunning(earlier)).toBe(false);
  await kill(earlier);
  await terminate(earlier);
  expect(isRunning(identity)).toBe(true);
});

const forever = `setInterval(() => {}, 1000); console.log('ready');`;

interface Beating {
  readonly identity: ProcessIdentity;
  count(): number;
}

/** A process that makes its file longer every few milliseconds. */
async function startBeating(name: string): Promise<Beating> {
  const file = join(directory, name);
  const beat = `require('node:fs').appendFileSync(${JSON.stringify(file)}, '.')`;
  const identity = await start(`setInterval(() => ${beat}, 5)`);
  await until(() => existsSync(file));
  return { identity, count: () => readFileSync(file).length };
}

async function beats({ count }: Beating, more: number): Promise<void> {
  const before = count();
  await until(() => count() >= before + more);
}

async function start(script: string, firstWords?: string): Promise<ProcessIdentity> {
  const identity = await launch({ file: process.execPath, args: ['-e', script], directory }, logFile);
  launched.push(identity);
  if (firstWords !== undefined) await until(() => readFileSync(logFile, 'utf8').includes(firstWords));
  return identity;
}

function until(holds: () => boolean): Promise<void> {
  return waitUntil(holds, 20_000, () => new Error('that did not happen within 20 s'), 10);
}
