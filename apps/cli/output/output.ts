import type { Writable } from 'node:stream';

/** The reader of our output went away (`k2 trades | head`): not an error, but a reason to stop. */
export class OutputClosedError extends Error {
  override readonly name = 'OutputClosedError';
}

/** A stream that is written to no faster than it is read. */
export class Output {
  readonly stream: Writable;
  readonly isTerminal: boolean;
  /** Columns of the terminal; Infinity where it is none. */
  readonly width: number;

  constructor(stream: Writable & { readonly isTTY?: boolean; readonly columns?: number }) {
    this.stream = stream;
    this.isTerminal = stream.isTTY === true;
    this.width = this.isTerminal ? (stream.columns ?? 80) : Infinity;
    // Failures are told to the writer that meets them; without a listener Node would end the process.
    stream.on('error', () => undefined);
  }

  /** Resolves when the stream has taken the text. Rejects with OutputClosedError where nobody reads any more. */
  write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.stream.write(text, (error) => {
        if (error === null || error === undefined) resolve();
        else if (isClosed(error)) reject(new OutputClosedError(error.message));
        else reject(error);
      });
    });
  }

  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }
}

function isClosed(error: Error): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return ['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'].includes(code);
}
