import { isPortError, type ObjectStore, type ObjectStoreErrorKind } from '@k2/ports';

/** Null for a path outside this object store: another engine may have put files of a table anywhere. */
export function keyOrNull(objects: ObjectStore, path: string): string | null {
  try {
    return objects.key(path);
  } catch (error) {
    if (isPortError<ObjectStoreErrorKind>(error, 'invalid-key')) return null;
    throw error;
  }
}

export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
