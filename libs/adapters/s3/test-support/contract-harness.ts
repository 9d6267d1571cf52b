import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '@k2/ports';
import type { S3Credentials, S3ObjectStoreConfig } from '../s3-config.ts';
import { S3ObjectStore } from '../s3-object-store.ts';
import { openPorts } from './ports.ts';

export type ContractHarness = Awaited<ReturnType<typeof contractHarness>>;

/** Where a server of the testbed is, as the store and the SDK want it. */
export function placeOf<Place extends S3Credentials>({ accessKeyId, secretAccessKey, ...place }: Place) {
  return { ...place, credentials: { accessKeyId, secretAccessKey } };
}

/** A store under a prefix of its own, as `objectStoreContract` wants it. */
export async function contractHarness(
  place: Pick<S3ObjectStoreConfig, 'region' | 'bucket'> & Partial<S3ObjectStoreConfig>,
) {
  const directory = await mkdtemp(join(tmpdir(), 'k2 s3 '));
  const prefix = `spec/contract-${randomUUID()}`;
  const opened: S3ObjectStore[] = [];
  let files = 0;
  const open = async () => {
    const cacheDirectory = join(directory, `cache-${opened.length}`);
    const store = await S3ObjectStore.open({ ...place, prefix, cacheDirectory }, openPorts());
    opened.push(store);
    return store;
  };
  const store = await open();
  return {
    store,
    prefix,
    directory,
    another: open,
    writeFile: async (content: Uint8Array) => {
      const path = join(directory, `file-${++files}`);
      await writeFile(path, content);
      return path;
    },
    readFile: (path: string): Promise<Uint8Array> => readFile(path),
    close: async () => {
      for (const each of opened) await each.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** For servers that outlive the spec. */
export async function deleteAll(store: ObjectStore): Promise<void> {
  const deletions: Promise<void>[] = [];
  for await (const { key } of store.list('')) deletions.push(store.delete(key));
  await Promise.all(deletions);
}
