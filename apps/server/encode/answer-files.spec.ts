import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PortError, type AskOptions } from '@k2/ports';
import { AnswerFiles } from './answer-files.ts';

const ASK: AskOptions = { timeoutMs: 10_000 };
const LIMITS = { countMax: 2, bytesMax: 100, fileBytesMax: 60 };

let scratch: string;
let files: AnswerFiles;
/** Ends the pause before the next look at the sizes of files that are being written. */
let look: (() => void) | null;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'k2-answer-files-'));
  look = null;
  const sleep = (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      look = resolve;
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  files = new AnswerFiles(scratch, { sleep, yield: async () => undefined }, LIMITS);
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

const writes = (bytes: number) => async (path: string) => {
  await writeFile(path, 'x'.repeat(bytes));
  return bytes;
};
const left = () => readdir(scratch);

/** An engine that writes until it is told to stop. */
async function growing(path: string, { signal }: AskOptions): Promise<never> {
  await writeFile(path, 'x'.repeat(LIMITS.fileBytesMax + 1));
  while (signal!.aborted === false) {
    look?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new PortError('cancelled', 'the caller left');
}

describe('a Parquet answer', () => {
  it('is read from a file that has no name any more, so that nothing is left of it whatever happens', async () => {
    const file = await files.write(writes(10), ASK);
    expect([file.result, file.sizeBytes, await left()]).toEqual([10, 10, []]);
    expect(await text(file.stream())).toBe('x'.repeat(10));
  });

  it('gives its place back when it is read, broken off or discarded', async () => {
    for (let n = 0; n < 5; n++) {
      await text((await files.write(writes(50), ASK)).stream());
      const broken = (await files.write(writes(50), ASK)).stream();
      const closed = new Promise((resolve) => broken.once('close', resolve));
      broken.destroy();
      await closed;
      await (await files.write(writes(50), ASK)).discard();
    }
    expect(await left()).toEqual([]);
  });

  it('is refused while too many, or too many bytes, wait to be read', async () => {
    const first = await files.write(writes(50), ASK);
    const overloaded = expect.objectContaining({ kind: 'overloaded' });
    await expect(files.write(writes(51), ASK)).rejects.toEqual(overloaded);
    const second = await files.write(writes(1), ASK);
    await expect(files.write(writes(1), ASK)).rejects.toEqual(overloaded);
    await Promise.all([first.discard(), second.discard()]);
    await (await files.write(writes(51), ASK)).discard();
  });

  it('that grows beyond its bound is cancelled while it grows, and leaves nothing', async () => {
    const tooLarge = expect.objectContaining({
      kind: 'answer-too-large',
      message: expect.stringMatching(/over 60 bytes.*ndjson/),
    });
    await expect(files.write(growing, ASK)).rejects.toEqual(tooLarge);
    await expect(files.write(writes(61), ASK)).rejects.toEqual(tooLarge);
    expect(await left()).toEqual([]);
    await (await files.write(writes(60), ASK)).discard();
  });

  it('that could not be made leaves nothing and keeps no place', async () => {
    for (let n = 0; n < 5; n++) {
      const failing = async (path: string) => {
        await writeFile(path, 'half');
        throw new PortError('unavailable', 'the engine died');
      };
      await expect(files.write(failing, ASK)).rejects.toMatchObject({ kind: 'unavailable' });
    }
    expect(await left()).toEqual([]);
  });
});
