// Answers as Redis does to PING, and counts its starts in a file: pong.mjs PORT STARTS_FILE [die]
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';

const [port, startsFile, mode] = process.argv.slice(2);
appendFileSync(startsFile, 'started\n');
if (mode === 'die') {
  console.error('cannot find my configuration');
  process.exit(1);
}
createServer((socket) => socket.on('error', () => {}).on('data', () => socket.write('+PONG\r\n'))).listen(
  Number(port),
  '127.0.0.1',
);
