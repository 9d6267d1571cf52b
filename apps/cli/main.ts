import { Output } from './output/output.ts';
import { run } from './run.ts';
import { superviseServer } from './server-process.ts';
import { openSession } from './session/open-session.ts';

const interrupt = new AbortController();
let isServing = false;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    // The server hears of it too and decides when it is done.
    if (isServing) return;
    // Whoever repeats it does not want to wait for a tidy end.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
  });
}

process.exitCode = await run(process.argv.slice(2), {
  stdout: new Output(process.stdout),
  stderr: new Output(process.stderr),
  env: process.env,
  clock: { monotonicUs: () => Number(process.hrtime.bigint() / 1_000n) },
  signal: interrupt.signal,
  openSession: (dataDir, purpose) => openSession(dataDir, purpose, process.env, interrupt.signal),
  runServer: (args) => {
    isServing = true;
    return superviseServer(args);
  },
});
