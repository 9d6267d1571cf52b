// Usage: node hold-lock.ts DIRECTORY. Holds the data directory until it is killed.
import { DataDirectoryLock } from '../data-directory-lock.ts';

const clock = { nowUs: () => 1_394_402_400_000_000, monotonicUs: () => 0 };
const lock = await DataDirectoryLock.acquire(process.argv[2], { command: 'k2 up --test', clock });
lock.setUrl('http://127.0.0.1:8080');
process.stdout.write('held\n');
setInterval(() => undefined, 60_000);
