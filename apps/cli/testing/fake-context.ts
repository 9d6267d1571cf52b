import { Writable } from 'node:stream';
import type { CliContext } from '../context.ts';
import { Output } from '../output/output.ts';
import { run } from '../run.ts';
import type { K2Session } from '../session/session.ts';

/** What a command line wrote and ended with. */
export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line without a process, a terminal or a data directory. */
export async function runCli(args: readonly string[], world: Partial<CliContext> = {}): Promise<CliRun> {
  const stdout = new TextSink();
  const stderr = new TextSink();
  const exitCode = await run(args, { ...fakeContext(stdout, stderr), ...world });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

export function fakeContext(stdout = new TextSink(), stderr = new TextSink()): CliContext {
  return {
    stdout: new Output(stdout),
    stderr: new Output(stderr),
    env: {},
    clock: { monotonicUs: () => 0 },
    signal: new AbortController().signal,
    openSession: () => Promise.reject(new Error('this command line should not open a session')),
    checkSchemas: () => Promise.reject(new Error('this command line should not ask a registry')),
    runServer: () => Promise.reject(new Error('this command line should not start a server')),
  };
}

/** Opens `session`, whatever is asked for. */
export function withFakeSession(session: Partial<K2Session>): Pick<CliContext, 'openSession'> {
  const close = async () => undefined;
  return { openSession: () => Promise.resolve({ where: 'a fake', close, ...session } as K2Session) };
}

export class TextSink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.text += chunk.toString();
    done();
  }
}
