import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** Has `write` make a Parquet file and streams it; the file is deleted when the stream ends, however it ends. */
export async function parquetStream<Result>(
  write: (path: string) => Promise<Result>,
): Promise<{ stream: Readable; result: Result }> {
  const directory = await mkdtemp(join(tmpdir(), 'k2-answer-'));
  const path = join(directory, 'answer.parquet');
  const discard = () => rm(directory, { recursive: true, force: true });
  try {
    const result = await write(path);
    const stream = createReadStream(path);
    stream.once('close', () => void discard().catch(() => undefined));
    return { stream, result };
  } catch (error) {
    await discard();
    throw error;
  }
}
