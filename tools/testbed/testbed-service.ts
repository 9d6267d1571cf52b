import { open } from 'node:fs/promises';
import type { Services } from '@k2/testing/services';
import type { Condition, ProvidedService, ServiceRecord, Site } from './provider.ts';
import type { Server } from './server.ts';
import type { TestbedServiceName } from './service-names.ts';
import { waitUntil } from './wait-until.ts';

/** One server of a testbed. Its ports and its data stay the same until the testbed is stopped. */
export class TestbedService {
  private readonly provided: ProvidedService;
  private readonly server: Server;
  private readonly onLaunch: () => void;

  constructor(provided: ProvidedService, server: Server, onLaunch: () => void) {
    this.provided = provided;
    this.server = server;
    this.onLaunch = onLaunch;
  }

  get name(): TestbedServiceName {
    return this.provided.name;
  }

  get version(): string {
    return this.provided.version;
  }

  get site(): Site {
    return this.provided.site;
  }

  /** What specs read. */
  get endpoints(): Partial<Services> {
    return this.server.endpoints(this.site);
  }

  /** Starts it, or lets it go on where it was paused; returns when it answers. */
  async start(): Promise<void> {
    await this.provided.launch();
    this.onLaunch();
    await this.provided.resume();
    await this.untilItAnswers();
    await this.server.furnish?.(this.site);
  }

  /** Lets it end in good order. */
  stop(): Promise<void> {
    return this.provided.terminate();
  }

  /** SIGKILL, for it and everything it started. */
  kill(): Promise<void> {
    return this.provided.kill();
  }

  /** SIGSTOP: connections stay open, and nothing answers. */
  pause(): Promise<void> {
    return this.provided.pause();
  }

  resume(): Promise<void> {
    return this.provided.resume();
  }

  condition(): Promise<Condition> {
    return this.provided.condition();
  }

  /** Whether it answers a real request. */
  async answers(): Promise<boolean> {
    return (await this.refusal()) === null;
  }

  /** Ends it and deletes its data; the log file stays. */
  remove(): Promise<void> {
    return this.provided.remove();
  }

  record(): ServiceRecord {
    return this.provided.record();
  }

  private async refusal(): Promise<Error | null> {
    try {
      await this.server.ask(this.site);
      return null;
    } catch (error) {
      return error as Error;
    }
  }

  private async untilItAnswers(): Promise<void> {
    const { startTimeoutMs } = this.server;
    let refusal: Error | null = null;
    const answers = async () => {
      refusal = await this.refusal();
      if (refusal !== null && !(await this.condition()).running) throw await this.failure('ended while it started');
      return refusal === null;
    };
    const tooLate = () =>
      this.failure(`does not answer ${startTimeoutMs / 1000} s after its start (${refusal?.message})`);
    await waitUntil(answers, startTimeoutMs, tooLate);
  }

  private async failure(what: string): Promise<Error> {
    const { logFile } = this.site;
    return new Error(`${this.name} ${what}. The end of ${logFile}:\n${await endOf(logFile)}`);
  }
}

const shownBytes = 3_000;

async function endOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - shownBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(shownBytes), 0, shownBytes, start);
    const text = buffer.toString('utf8', 0, bytesRead);
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await handle.close();
  }
}
