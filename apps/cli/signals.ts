/** npm, the launcher, the shell and the terminal may each deliver the same Ctrl-C. */
const ECHO_US = 1_000_000;

/** Calls `react` for every request to stop, its echoes left out. A hangup is none: under nohup it has to be missed. */
export function onStopSignal(react: (signal: NodeJS.Signals) => void): void {
  let lastUs = -Infinity;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const nowUs = Number(process.hrtime.bigint() / 1_000n);
      if (nowUs - lastUs > ECHO_US) react(name);
      lastUs = nowUs;
    });
  }
}
