import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { noProgress } from '../progress.ts';
import { debianPackage } from './debian.ts';

const path = process.env['PATH'];
let directory: string;
let program: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'k2-debian-'));
  program = join(directory, 'redis-server');
});

afterEach(() => {
  process.env['PATH'] = path;
  jest.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

it('takes what is there', async () => {
  writeFileSync(program, '');
  expect(await wanted()).toBe(program);
});

it('installs the package where it may, after it has got the lists that a fresh machine lacks', async () => {
  const log = join(directory, 'log');
  haveAptGet(`echo "$@" >> ${log}
if [ "$1" = update ]; then touch ${directory}/lists; exit 0; fi
[ -e ${directory}/lists ] && touch ${program}`);
  runAs(0);
  expect(await wanted()).toBe(program);
  const install = 'install -y --no-install-recommends redis-server';
  expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([install, 'update', install]);
});

it('says what to run where it may not install', async () => {
  haveAptGet('exit 1');
  runAs(1000);
  await expect(wanted()).rejects.toThrow('Redis is not on this machine: run "sudo apt-get install redis-server"');
});

it('says how to get it where there is no Debian', async () => {
  process.env['PATH'] = directory;
  await expect(wanted()).rejects.toThrow('Redis is not on this machine: brew install redis, or use Docker');
});

function wanted(): Promise<string> {
  return debianPackage({
    what: 'Redis',
    packages: ['redis-server'],
    elsewhere: 'brew install redis',
    find: () => (existsSync(program) ? program : undefined),
    progress: noProgress,
  });
}

function runAs(uid: number): void {
  jest.spyOn(process as { getuid: () => number }, 'getuid').mockReturnValue(uid);
}

function haveAptGet(script: string): void {
  const file = join(directory, 'apt-get');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  process.env['PATH'] = `${directory}${delimiter}${path}`;
}
