// What the launcher of k2 does on a Node that K2 does not run on: it starts the CLI on another.
import { fileURLToPath } from 'node:url';
import { handOver } from '../../bootstrap/supervise.mjs';

const main = fileURLToPath(new URL('../../../apps/cli/dist/main.js', import.meta.url));
handOver(process.execPath, [main, ...process.argv.slice(2)], { env: process.env });
