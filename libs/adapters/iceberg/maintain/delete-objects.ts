import type { MaintenanceOptions, ObjectStore, Telemetry } from '@k2/ports';
import { eachBounded } from './bounded.ts';
import { throwIfCancelled } from './cancelled.ts';
import { Progress } from './progress.ts';

export interface DeletableObject {
  readonly key: string;
  readonly sizeBytes: number;
}

/** Deletes objects that nothing needs. What cannot be deleted now is left to the next removal of orphans. */
export async function deleteObjects(
  { objects, telemetry }: { readonly objects: ObjectStore; readonly telemetry: Telemetry },
  all: readonly DeletableObject[],
  { atOnceMax, signal, progress }: { readonly atOnceMax: number } & Pick<MaintenanceOptions, 'signal' | 'progress'>,
): Promise<readonly DeletableObject[]> {
  const told = new Progress(progress, all.length, sizeOf(all));
  const outcomes = await eachBounded(all, atOnceMax, async (object) => {
    if (signal !== undefined) throwIfCancelled(signal);
    try {
      await objects.delete(object.key);
      return true;
    } catch (error) {
      telemetry.log('warn', 'a file that no snapshot needs could not be deleted', {
        key: object.key,
        error: String(error),
      });
      return false;
    } finally {
      told.add(1, object.sizeBytes);
    }
  });
  return all.filter((_, index) => outcomes[index]);
}

export function sizeOf(objects: readonly DeletableObject[]): number {
  return objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
