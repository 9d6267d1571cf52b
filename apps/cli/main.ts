import { EXIT } from './exit-codes.ts';
import { Output } from './output/output.ts';
import { run } from './run.ts';
import { onStopSignal } from './signals.ts';
import { workspaceFile } from './workspace.ts';

interface ParentWatch {
  onParentGone(react: () => void): void;
}

const interrupt = new AbortController();
let isServing = false;
onStopSignal(() => {
  // A server hears of it too, and decides when it is done.
  if (isServing) return;
  // Whoever repeats it does not want to wait for a tidy end.
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
  interrupt.abort();
});

// The parent, a launcher or the npm that ran it, may be killed without passing a signal on.
if (process.env['K2_SUPERVISOR'] === String(process.ppid)) {
  const { onParentGone } = (await import(workspaceFile('tools/bootstrap/parent.mjs').href)) as ParentWatch;
  onParentGone(() => process.kill(process.pid, 'SIGTERM'));
}

process.exitCode = await run(process.argv.slice(2), {
  stdout: new Output(process.stdout),
  stderr: new Output(process.stderr),
  env: process.env,
  clock: { monotonicUs: () => Number(process.hrtime.bigint() / 1_000n) },
  signal: interrupt.signal,
  openSession: async (target, purpose) => {
    // Whatever is wrong with an adapter, `--help` and `up` do not need one.
    const { openSession } = await import('./session/open-session.ts');
    return openSession(target, purpose, process.env, interrupt.signal);
  },
  checkSchemas: async (settings) => {
    const { checkRegisteredSchemas } = await import('./session/check-schemas.ts');
    return checkRegisteredSchemas(settings);
  },
  runServer: async (args) => {
    const { becomeServer } = await import('./server-process.ts');
    isServing = true;
    return becomeServer(args);
  },
});
