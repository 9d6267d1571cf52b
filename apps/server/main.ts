import { createServer } from 'node:http';

const server = createServer((_request, response) => response.end('K2\n')).listen(0);
console.log(`server started: ${process.argv.slice(2).join(' ')}`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    console.log(`server stopping on ${signal}`);
    server.close();
  });
}
