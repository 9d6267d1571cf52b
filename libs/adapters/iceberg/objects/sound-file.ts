import { isPortError, type LocalFile, type ObjectStoreErrorKind } from '@k2/ports';

/**
 * A local file that passes the check. Where a copy does not, the object itself may be as it was written: the copy is given
 * up and the object fetched once more. Throws what the check throws: `damaged` once it is the object that is.
 */
export async function soundFile(
  fetch: () => Promise<LocalFile>,
  check: (path: string) => Promise<void>,
): Promise<LocalFile> {
  const file = await fetch();
  try {
    await check(file.path);
    return file;
  } catch (error) {
    if (!isPortError<ObjectStoreErrorKind>(error, 'damaged') || file.discard === undefined) {
      file.release();
      throw error;
    }
    file.discard();
  }
  const anew = await fetch();
  try {
    await check(anew.path);
    return anew;
  } catch (error) {
    anew.release();
    throw error;
  }
}
