// Starts a testbed in the directory it is given, says so, and lives until somebody kills it.
import { startTestbed } from '../testbed.ts';
import { pongProvider } from './pong-provider.ts';

const [directory] = process.argv.slice(2);
await startTestbed(['redis'], { provider: pongProvider(), directory });
console.log('started');
setInterval(() => {}, 1_000);
