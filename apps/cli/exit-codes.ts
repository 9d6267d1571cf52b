/** What `k2` exits with; the same for every command, except that `up` passes on what the server exits with. */
export const EXIT = {
  ok: 0,
  /** The command could not do what it was asked, or a verification found a mismatch. */
  failed: 1,
  /** The command line is not understood. */
  usage: 2,
  /** The data directory is in use by another process, or the server does not answer. */
  unreachable: 3,
  /** A load is done, and the source holds something that the lake does not. */
  incomplete: 4,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP = `
Exit codes:
  0  done
  1  failed, or a verification found a mismatch
  2  the command line is not understood
  3  the data directory is in use, or the server does not answer
  4  loaded, but not all that is there: files were not read, or rows differ from those of the lake
  130  stopped by Ctrl-C`;

/** A failure that the user is told of in one message, with the exit code that it ends in. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.failed, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = exitCode;
  }
}
