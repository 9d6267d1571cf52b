import { open, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PortError } from '@k2/ports';

const PROBE_BYTES = new Uint8Array(65_536).fill(0x6b);
/** With less than this nothing of use can be written. */
const FREE_BYTES_MIN = 1_048_576;

/** Writes a little under the directory, and takes it away again. Throws `disk-full`, and `unavailable`. */
export async function probeDisk(directory: string): Promise<void> {
  try {
    const { bavail, bsize } = await statfs(directory);
    if (bavail * bsize < FREE_BYTES_MIN) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const path = join(directory, 'probe');
    const file = await open(path, 'w', 0o600);
    try {
      await file.writeFile(PROBE_BYTES);
      await file.sync();
    } finally {
      await file.close();
      await unlink(path);
    }
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'disk-full' : 'unavailable';
    throw new PortError(kind, `${directory}: ${message}`, { code }, { retryable: true, cause });
  }
}
