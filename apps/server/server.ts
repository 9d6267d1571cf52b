import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { openPlatform, type OpenPlatform, type Settings } from '@k2/composition';
import type { Scheduler } from '@k2/ports';
import { createApp } from './app.ts';
import { greeting } from './greeting.ts';

/** How long a stop waits for answers under way before it cuts them off, if there is time for it. */
const ANSWERS_GRACE_MS_MAX = 5_000;
/** And then for their connections to be closed. */
const CUT_GRACE_MS = 500;
const WATCH_INTERVAL_MS = 500;

/** One K2 process: a platform and its HTTP side, from start to a clean stop. */
export class Server {
  readonly url: string;
  private readonly settings: Settings;
  private readonly open: OpenPlatform;
  private readonly app: NestFastifyApplication;
  private readonly stopping: AbortController;
  private stopped: Promise<void> | null = null;

  /** Rejects as `openPlatform` does, and where the address can't be listened on (`EADDRINUSE`, …). */
  static async start(settings: Settings, command: string): Promise<Server> {
    const open = await openPlatform(settings, { access: 'write', command });
    const stopping = new AbortController();
    try {
      const { platform, random, scratchDirectory, createFeed, runWithCorrelationId } = open;
      const metrics = () => open.metrics();
      const isStopping = () => stopping.signal.aborted;
      const app = await createApp({
        platform,
        settings,
        scratchDirectory,
        random,
        metrics,
        createFeed,
        runWithCorrelationId,
        isStopping,
      });
      await app.listen(settings.port, settings.host);
      const server = new Server(settings, open, app, stopping, await app.getUrl());
      open.announce(server.url);
      platform.start();
      return server;
    } catch (error) {
      await open.close().catch(() => undefined);
      throw error;
    }
  }

  private constructor(
    settings: Settings,
    open: OpenPlatform,
    app: NestFastifyApplication,
    stopping: AbortController,
    url: string,
  ) {
    this.settings = settings;
    this.open = open;
    this.app = app;
    this.stopping = stopping;
    this.url = url;
  }

  get scheduler(): Scheduler {
    return this.open.platform.ports.scheduler;
  }

  /** For a person: where everything is. */
  get greeting(): string {
    return greeting(this.settings, this.url);
  }

  /** Resolves with the reason when a component failed and nothing else runs; with null when `stop` was called. */
  async failure(): Promise<Error | null> {
    const { platform } = this.open;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      if (platform.failed !== null && this.isIdle()) return platform.failed;
      await platform.ports.scheduler.sleep(WATCH_INTERVAL_MS, signal);
    }
    return null;
  }

  /** Accepts nothing more, commits what was received, lets answers under way end. Calling it again waits for the same. */
  stop(): Promise<void> {
    this.stopped ??= this.drain();
    return this.stopped;
  }

  /** Each step is taken whatever the ones before it came to; closing tells of a platform that did not stop, too. */
  private async drain(): Promise<void> {
    this.stopping.abort();
    const closed = this.app.close();
    try {
      await this.open.platform.stop().catch(() => undefined);
      await this.answersEnd(closed);
    } finally {
      await this.open.close();
    }
  }

  private async answersEnd(closed: Promise<void>): Promise<void> {
    const { scheduler } = this.open.platform.ports;
    const graceMs = Math.min(ANSWERS_GRACE_MS_MAX, this.settings.closeTimeoutMs / 4);
    const done = new AbortController();
    const cut = async () => {
      await scheduler.sleep(graceMs, done.signal);
      if (done.signal.aborted) return;
      this.app.getHttpServer().closeAllConnections();
      // Nothing is answered any more; a handler that hangs is left behind.
      await scheduler.sleep(CUT_GRACE_MS, done.signal);
    };
    await Promise.race([closed, cut()]).finally(() => done.abort());
  }

  private isIdle(): boolean {
    const { roles, feeds, sink } = this.open.platform.status;
    const isOver = (state: string) => ['finished', 'stopped', 'failed'].includes(state);
    return !roles.includes('api') && feeds.every(({ state }) => isOver(state)) && (sink === null || isOver(sink.state));
  }
}
