import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SourceDirectory } from './source-directory.ts';

let outside: string;
let root: string;

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'k2-asx-source-'));
  root = join(outside, 'root');
  await mkdir(join(root, 'trades'), { recursive: true });
  await writeFile(join(root, 'trades/1.csv'), 'row');
  await writeFile(join(outside, 'secret'), 'secret');
});
afterEach(() => rm(outside, { recursive: true }));

const opened = async (file: string) => {
  const source = await (await SourceDirectory.open(root)).openFile(file);
  const bytes = new Uint8Array(source.sizeBytes);
  await source.fill(bytes, 0);
  await source.close();
  return Buffer.from(bytes).toString();
};
const refusal = (message: RegExp) => ({ kind: 'misconfigured', message: expect.stringMatching(message) });

describe('a directory of sources', () => {
  it('gives its files, also where the caller named it by a link', async () => {
    expect(await opened('trades/1.csv')).toBe('row');
    await symlink(root, join(outside, 'link'));
    const source = await SourceDirectory.open(join(outside, 'link'));
    expect(await source.names('trades')).toEqual(['1.csv']);
    await (await source.openFile('trades/1.csv')).close();
  });

  it('follows no link, wherever it leads', async () => {
    await symlink(join(outside, 'secret'), join(root, 'trades/out.csv'));
    await symlink(join(root, 'trades/1.csv'), join(root, 'trades/in.csv'));
    await symlink(join(root, 'trades/loop.csv'), join(root, 'trades/loop.csv'));
    await symlink('/dev/zero', join(root, 'trades/zero.csv'));
    for (const name of ['out', 'in', 'loop', 'zero'])
      await expect(opened(`trades/${name}.csv`)).rejects.toMatchObject(
        refusal(/is a symbolic link: expected the file/),
      );
  });

  it('has nothing in it that a link of a folder leads to, not even names', async () => {
    await symlink(outside, join(root, 'quotes'));
    const source = await SourceDirectory.open(root);
    await expect(source.names('quotes')).rejects.toMatchObject(refusal(/quotes lies outside of .*root/));
    await expect(source.openFile('quotes/secret')).rejects.toMatchObject(refusal(/lies outside of/));
  });

  it('opens no folder, and no pipe: that would wait for a writer', async () => {
    await mkdir(join(root, 'trades/2.csv'));
    await expect(opened('trades/2.csv')).rejects.toMatchObject(refusal(/2\.csv is not a file: expected CSV/));
    if (process.platform === 'win32') return;
    execFileSync('mkfifo', [join(root, 'trades/3.csv')]);
    await expect(opened('trades/3.csv')).rejects.toMatchObject(refusal(/3\.csv is not a file/));
  });

  it('reads a file as long as it was, and says where it changed', async () => {
    const source = await (await SourceDirectory.open(root)).openFile('trades/1.csv');
    await writeFile(join(root, 'trades/1.csv'), 'r');
    await expect(source.fill(new Uint8Array(10), 0)).rejects.toMatchObject(refusal(/1\.csv changed while it was read/));
    await source.close();
  });

  it('takes a file that has other names too: copies that are links are how backups are kept', async () => {
    await link(join(root, 'trades/1.csv'), join(outside, 'backup.csv'));
    expect(await opened('trades/1.csv')).toBe('row');
  });
});
