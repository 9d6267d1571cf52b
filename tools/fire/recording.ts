import { readSettings } from '@k2/composition';
import { compareWithTape, type Verdict } from '../crash/compare.ts';
import { runTape, type RunTape } from '../crash/run-tape.ts';
import { lakeViolations } from './lake-violations.ts';
import type { FireOptions } from './outcome.ts';
import type { RoleProcess } from '../world/role-process.ts';
import type { World } from '../world/world.ts';

const SINK_FLUSH_MS = '200';

/** A known tape on its way through processes of their own: ingest, two sinks, and maintenance all the time. */
export class Recording {
  readonly world: World;
  readonly ingest: RoleProcess;
  readonly sinks: RoleProcess[] = [];
  private readonly tape: RunTape;
  private readonly maintain: RoleProcess;

  static async start(world: World, { seed, rate }: FireOptions): Promise<Recording> {
    const recording = new Recording(world, runTape(seed, 0, rate));
    await Promise.all([recording.ingest, recording.maintain, ...recording.sinks].map((process) => process.ready()));
    await world.untilNextCommit();
    return recording;
  }

  private constructor(world: World, tape: RunTape) {
    this.world = world;
    this.tape = tape;
    this.ingest = world.launch('ingest', 'ingest', ['--feed', tape.spec]);
    this.sinks.push(this.launchSink(0), this.launchSink(1));
    this.maintain = world.launch('maintain', 'maintain', [], { K2_MAINTAIN_INTERVAL_MS: '1000' });
  }

  /** Kills a sink and starts another in its place. */
  async replaceSink(index: number): Promise<void> {
    await this.sinks[index].kill();
    this.sinks[index] = this.launchSink(index);
  }

  launchSink(index: number): RoleProcess {
    return this.world.launch(`sink ${index}`, 'sink', [], { K2_FLUSH_INTERVAL_MS: SINK_FLUSH_MS });
  }

  /** Ends the feed, waits until everything is committed, ends everything, and holds the tables against the tape. */
  async verdict(): Promise<Verdict> {
    const acknowledged = (await this.ingest.stats())?.feeds[0].acknowledgedTicks ?? 0;
    const code = await this.ingest.stop();
    if (code !== 0) throw new Error(`ingest ended with ${code}:\n${this.ingest.printed.slice(-4_000)}`);
    for (const [index, sink] of this.sinks.entries()) if (!sink.isAlive) this.sinks[index] = this.launchSink(index);
    await this.world.drained(this.sinks[0]);
    for (const sink of [...this.sinks, this.maintain]) await sink.stop();
    const settings = readSettings({ feeds: 'none', role: 'api', logLevel: 'error' }, this.world.env);
    const verdict = await compareWithTape(settings, [{ tape: this.tape, atLeast: acknowledged }]);
    return { ...verdict, violations: [...verdict.violations, ...(await lakeViolations(settings))] };
  }
}
