import { ManualClock, ManualScheduler, MemoryTelemetry, MemoryTickLog, SeededRandom } from '@k2/adapter-memory';
import { PortError, type CommitReceipt, type StagedRows, type TickStore } from '@k2/ports';
import { plannedRows } from '@k2/testing/builders';
import { CommitPipeline } from './commit-pipeline.ts';
import { SINK_OPTIONS } from './sink-options.ts';

/** A pipeline over a store whose stages and commits end when the test says so. */
class World {
  readonly asked: string[] = [];
  readonly committed: string[] = [];
  readonly pipeline: CommitPipeline;
  private readonly clock = new ManualClock(0);
  private readonly scheduler = new ManualScheduler(this.clock);
  private readonly stages: PromiseWithResolvers<StagedRows>[] = [];
  private readonly commits: PromiseWithResolvers<CommitReceipt>[] = [];

  constructor() {
    const { clock, scheduler } = this;
    const log = new MemoryTickLog({ clock, scheduler, random: new SeededRandom(1, clock) });
    const held = <Result>(what: string, all: PromiseWithResolvers<Result>[]) => {
      this.asked.push(`${what} ${all.length}`);
      return all[all.push(Promise.withResolvers<Result>()) - 1].promise;
    };
    const store = {
      stage: () => held('stage', this.stages),
      commit: () => held('commit', this.commits),
      discard: async (staged: StagedRows) => void this.asked.push(`discard of ${staged.rowCount} rows`),
    } as unknown as TickStore;
    this.pipeline = new CommitPipeline(
      { log, store, clock, scheduler, telemetry: new MemoryTelemetry() },
      SINK_OPTIONS,
      new Map(),
    );
  }

  start(name: string): void {
    const committed = () => void this.committed.push(name);
    this.pipeline.start({ rows: plannedRows(), nextOffsets: new Map(), state: new Map(), committed });
  }

  async staged(index: number): Promise<void> {
    this.stages[index].resolve({ rowCount: index, sizeBytes: 0 } as StagedRows);
    await this.scheduler.advance(0);
  }

  async decided(index: number, error?: Error): Promise<void> {
    if (error !== undefined) this.commits[index].reject(error);
    else this.commits[index].resolve({ rowCount: 1, snapshots: new Map(), committedUs: 0, claims: [] });
    await this.scheduler.advance(0);
  }

  async stageFailed(index: number, error: Error): Promise<void> {
    this.stages[index].reject(error);
    await this.scheduler.advance(0);
  }

  /** Whether there is room now. */
  async hasRoom(): Promise<boolean> {
    let has = false;
    void this.pipeline.room().then(() => (has = true));
    await this.scheduler.advance(0);
    return has;
  }
}

describe('CommitPipeline', () => {
  it('stages one flush while the one before it is committed, and commits in their order', async () => {
    const world = new World();
    world.start('a');
    expect(await world.hasRoom()).toBe(false);
    await world.staged(0);
    expect(await world.hasRoom()).toBe(true);
    world.start('b');
    await world.staged(1);
    expect(world.asked).toEqual(['stage 0', 'commit 0', 'stage 1']);
    expect(await world.hasRoom()).toBe(false);
    await world.decided(0);
    expect(world.asked).toEqual(['stage 0', 'commit 0', 'stage 1', 'commit 1']);
    expect(await world.hasRoom()).toBe(true);
    await world.decided(1);
    await world.pipeline.idle();
    expect(world.committed).toEqual(['a', 'b']);
    expect(world.pipeline.totals).toMatchObject({ commits: 2, committedRows: 2 });
  });

  it('takes back what is staged behind a commit that failed', async () => {
    const world = new World();
    const failure = new PortError('unavailable', 'the connection broke off');
    world.start('a');
    await world.staged(0);
    world.start('b');
    await world.staged(1);
    await world.decided(0, failure);
    await world.pipeline.idle();
    expect(world.pipeline.failure).toBe(failure);
    // Files of an unknown outcome stay.
    expect(world.asked.filter((of) => of.startsWith('discard'))).toEqual(['discard of 1 rows']);
    expect(world.committed).toEqual([]);
  });

  it('lets a commit end before it tells that what follows could not be staged', async () => {
    const world = new World();
    const failure = new PortError('unavailable', 'no space left');
    world.start('a');
    await world.staged(0);
    world.start('b');
    await world.stageFailed(1, failure);
    expect(world.pipeline.failure).toBe(null);
    await world.decided(0);
    await world.pipeline.idle();
    expect(world.pipeline.failure).toBe(failure);
    expect(world.committed).toEqual(['a']);
  });
});
