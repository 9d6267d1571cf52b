import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What the name of a whole file says of it. */
export interface CachedFileName {
  /** 32 hex digits, of the object's identity. */
  readonly id: string;
  readonly sizeBytes: number;
  /** Of the content, in hex. */
  readonly sha256: string;
}

/** No name is used twice, so that a late removal never meets a newer file: each ends with digits of its own. */
const WHOLE = /^([0-9a-f]{32})\.(\d{1,15})\.([0-9a-f]{64})\.[0-9a-f]{8}$/;
const PARTIAL = /^[0-9a-f-]{36}\.partial$/;

export function fileName({ id, sizeBytes, sha256 }: CachedFileName, uuid: string): string {
  return `${id}.${sizeBytes}.${sha256}.${uuid.slice(0, 8)}`;
}

export function partialName(uuid: string): string {
  return `${uuid}.partial`;
}

/**
 * Whole files of a cache's directory, oldest first, one of each object. Removes what was cut off; leaves alone what is
 * not named as a cache names its files.
 */
export async function filesIn(directory: string): Promise<readonly (CachedFileName & { readonly path: string })[]> {
  const found = [];
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const whole = WHOLE.exec(name);
    if (whole === null) {
      if (PARTIAL.test(name)) await rm(path, { force: true });
      continue;
    }
    const { size, mtimeMs } = await stat(path);
    if (size !== Number(whole[2])) await rm(path, { force: true });
    else found.push({ id: whole[1], sizeBytes: size, sha256: whole[3], path, mtimeMs });
  }
  found.sort((a, b) => a.mtimeMs - b.mtimeMs);
  const newest = new Map<string, (typeof found)[number]>();
  for (const file of found) {
    const older = newest.get(file.id);
    if (older !== undefined) await rm(older.path, { force: true });
    newest.delete(file.id);
    newest.set(file.id, file);
  }
  return [...newest.values()];
}
