/** Where long work says how far it is. */
export interface Progress {
  /** How far the work at hand is; takes the place of the last such line on a terminal. */
  update(text: string): void;
  /** A line that stays. */
  say(text: string): void;
}

export const noProgress: Progress = { update: () => {}, say: () => {} };

const linesEveryMs = 10_000;

/** Progress goes to stderr: a command's stdout belongs to its result. A log gets a line now and then. */
export function progressOn(stream: NodeJS.WriteStream = process.stderr): Progress {
  let open = false;
  let lastMs = -Infinity;
  return {
    update(text) {
      if (stream.isTTY) {
        stream.write(`\r\u001b[2Kk2: ${text.slice(0, (stream.columns || 80) - 5)}`);
        open = true;
      } else if (performance.now() - lastMs >= linesEveryMs) {
        lastMs = performance.now();
        stream.write(`k2: ${text}\n`);
      }
    },
    say(text) {
      stream.write(`${open ? '\r\u001b[2K' : ''}k2: ${text}\n`);
      open = false;
      lastMs = -Infinity;
    },
  };
}
