/**
 * For specs: what a process of the engine does that was given any SQL at all, as if nothing had been checked. Its
 * argument is a HostileTask as JSON; it prints the error of each text, or null if it ran.
 */
import { openDatabase } from '../engine-database.ts';
import type { LocalScan } from '../engine-messages.ts';

export interface HostileTask {
  readonly scans: readonly LocalScan[];
  readonly texts: readonly string[];
}

const { scans, texts } = JSON.parse(process.argv[2]) as HostileTask;
const database = await openDatabase({ mode: 'sql', threads: 1, duckDbMemoryBytesMax: 500_000_000 });
await database.lockDown(scans, undefined);
const errors: (string | null)[] = [];
for (const text of texts) {
  errors.push(
    await database.connection.run(text).then(
      () => null,
      (error: Error) => error.message,
    ),
  );
}
console.log(JSON.stringify(errors));
