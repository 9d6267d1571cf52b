import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PortError, type LocalFile, type ObjectStore, type ObjectSummary } from '@k2/ports';

/** Objects as files of a directory, without the care that a real store takes. */
export class DirectoryObjects implements ObjectStore {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  uri(key: string): string {
    return pathToFileURL(join(this.directory, key)).href;
  }

  key(uri: string): string {
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
  }

  async putFileIfAbsent(key: string, path: string): Promise<{ readonly sizeBytes: number }> {
    const target = join(this.directory, key);
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
    return { sizeBytes: (await stat(target)).size };
  }

  async *list(prefix: string): AsyncIterable<ObjectSummary> {
    const names = await readdir(this.directory, { recursive: true });
    for (const key of names.filter((name) => name.startsWith(prefix)).sort()) {
      const entry = await stat(join(this.directory, key));
      if (entry.isFile()) yield { key, sizeBytes: entry.size, modifiedUs: entry.mtimeMs * 1_000 };
    }
  }

  async delete(key: string): Promise<void> {
    await rm(join(this.directory, key), { force: true });
  }

  async localFile(key: string): Promise<LocalFile> {
    return { path: join(this.directory, key), release: () => undefined };
  }
}
