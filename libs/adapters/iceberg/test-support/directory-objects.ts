import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PortError, type Clock, type LocalFile, type ObjectStore, type ObjectSummary } from '@k2/ports';

/** Objects as files of a directory, without the care that a real store takes. */
export class DirectoryObjects implements ObjectStore {
  readonly directory: string;
  private readonly clock: Clock;
  private readonly putUs = new Map<string, number>();

  constructor(directory: string, clock: Clock) {
    this.directory = directory;
    this.clock = clock;
  }

  uri(key: string): string {
    return pathToFileURL(join(this.directory, key)).href;
  }

  key(uri: string): string {
    if (!uri.startsWith('file:')) throw new PortError('invalid-key', `${uri} is not in this store`, { uri });
    return relative(this.directory, fileURLToPath(uri));
  }

  async get(key: string): Promise<Uint8Array> {
    try {
      return await readFile(join(this.directory, key));
    } catch (error) {
      throw new PortError('not-found', `there is no object ${key}`, { key }, { cause: error });
    }
  }

  async putIfAbsent(key: string, content: Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.directory, key)), { recursive: true });
    await writeFile(join(this.directory, key), content, { flag: 'wx' });
    this.putUs.set(key, this.clock.nowUs());
  }

  async putFileIfAbsent(key: string, path: string): Promise<{ readonly sizeBytes: number }> {
    const target = join(this.directory, key);
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
    this.putUs.set(key, this.clock.nowUs());
    return { sizeBytes: (await stat(target)).size };
  }

  async *list(prefix: string): AsyncIterable<ObjectSummary> {
    const names = await readdir(this.directory, { recursive: true });
    for (const key of names.filter((name) => name.startsWith(prefix)).sort()) {
      // Deleted meanwhile, it is not there.
      const entry = await stat(join(this.directory, key)).catch(() => null);
      if (entry?.isFile()) yield { key, sizeBytes: entry.size, modifiedUs: this.putUs.get(key) ?? 0 };
    }
  }

  async delete(key: string): Promise<void> {
    await rm(join(this.directory, key), { force: true });
  }

  async localFile(key: string): Promise<LocalFile> {
    const path = join(this.directory, key);
    await stat(path).catch((error: unknown) => {
      throw new PortError('not-found', `there is no object ${key}`, { key }, { cause: error });
    });
    return { path, release: () => undefined };
  }
}
