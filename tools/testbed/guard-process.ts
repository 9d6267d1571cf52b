// Started by guard.ts: waits for the end of its input, which is the end of the process that owns the testbed, unless
// that one says before that it has stopped the testbed itself.
import { openTestbed } from './testbed.ts';

const [directory] = process.argv.slice(2);
// Ctrl-C and the like are for the owner to act on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.stdin.once('data', () => process.exit(0));
process.stdin.once('end', () => void openTestbed(directory).then((bed) => bed.stop()));
