import {
  isPortError,
  type Clock,
  type Counter,
  type Telemetry,
  type TickLog,
  type TickStore,
  type TopicPartition,
} from '@k2/ports';
import { partitionName } from '../topic-partition.ts';
import type { LoadedStates } from './state-cache.ts';

interface Wait {
  /** By name: the partitions that are waited for, and where each ended when a tick of the series was first seen here. */
  readonly ends: Map<string, number>;
  /** How far they were committed together when that was last looked at. */
  committed: number;
  /** On the clock's monotonic time: when that last rose, and when to look again. */
  movedUs: number;
  lookDueUs: number;
}

/**
 * When a topic gets more partitions, the next ticks of a series may come to another one, while its last ones are still to
 * be read of the partition before, by another sink perhaps. The partition that they come to waits: until the one before is
 * committed up to where it ended when the first of these ticks was seen, which is behind every tick that was appended
 * before it. Only then does it take the state over.
 *
 * If nothing of the partition before is committed for `moveWaitMs`, because it is paused, or because it waits for this one
 * in turn, the state is taken over as it is. No tick is lost or doubled by that: the store lets the partition before move
 * the state no more. But its last ticks then come late, and are gaps until they do.
 *
 * While the log does not say where the others end, only the partition that asks waits: the rest of the sink goes on.
 */
export class SeriesMoves {
  private readonly ports: { readonly log: TickLog; readonly store: TickStore; readonly clock: Clock };
  private readonly waits: { readonly lookMs: number; readonly moveWaitMs: number };
  private readonly telemetry: Telemetry;
  private readonly waiting = new Map<string, Wait>();
  private readonly unordered: Counter;

  constructor(
    ports: SeriesMoves['ports'] & { readonly telemetry: Telemetry },
    waits: { readonly lookMs: number; readonly moveWaitMs: number },
  ) {
    this.ports = ports;
    this.waits = waits;
    this.telemetry = ports.telemetry;
    this.unordered = this.telemetry.counter(
      'k2_sink_unordered_moves',
      'Partitions that took series over before what was left of them elsewhere was committed.',
    );
  }

  /** Whether nothing of the partition is to be read for now. */
  isWaiting(name: string): boolean {
    const wait = this.waiting.get(name);
    return wait !== undefined && this.ports.clock.monotonicUs() < wait.lookDueUs;
  }

  /** Of a partition that is not ours any more. */
  forget(name: string): void {
    this.waiting.delete(name);
  }

  /**
   * Whether anything may be taken of a partition of which nothing is committed. Where others of its topic are, it may be
   * new, and series whose first ticks are still to be read of those have no state yet that would tell.
   */
  async mayBegin({ topic, partition }: TopicPartition): Promise<boolean> {
    const older = (await this.ports.store.progress()).filter(
      (at) => at.topic === topic && at.partition !== partition && at.nextOffset > 0,
    );
    const elsewhere = new Map(older.map((at) => [partitionName(at), { topic, partition: at.partition }]));
    return this.mayTakeOver(partitionName({ topic, partition }), { elsewhere, isPendingElsewhere: false });
  }

  /** Whether the partition may take over the states that belong to others. */
  async mayTakeOver(
    name: string,
    { elsewhere, isPendingElsewhere }: Pick<LoadedStates, 'elsewhere' | 'isPendingElsewhere'>,
  ): Promise<boolean> {
    const { clock, store } = this.ports;
    const wait = this.waiting.get(name) ?? {
      ends: new Map(),
      committed: -1,
      movedUs: clock.monotonicUs(),
      lookDueUs: 0,
    };
    if (!(await this.noteEnds(name, wait, elsewhere))) return this.lookLater(name, wait);
    const progress = new Map((await store.progress()).map((at) => [partitionName(at), at.nextOffset]));
    const left = [...wait.ends].filter(([other, end]) => (progress.get(other) ?? 0) < end);
    const nowUs = clock.monotonicUs();
    const committed = [...wait.ends.keys()].reduce((sum, other) => sum + (progress.get(other) ?? 0), 0);
    if (committed > wait.committed) wait.movedUs = nowUs;
    wait.committed = committed;
    const isOverdue = nowUs - wait.movedUs >= this.waits.moveWaitMs * 1_000;
    if (isPendingElsewhere || (left.length > 0 && !isOverdue)) return this.lookLater(name, wait);
    this.waiting.delete(name);
    if (left.length > 0) this.tellOfDisorder(name, left);
    return true;
  }

  private lookLater(name: string, wait: Wait): false {
    wait.lookDueUs = this.ports.clock.monotonicUs() + this.waits.lookMs * 1_000;
    this.waiting.set(name, wait);
    return false;
  }

  /** False if the log does not answer now. */
  private async noteEnds(name: string, { ends }: Wait, others: ReadonlyMap<string, TopicPartition>): Promise<boolean> {
    const unseen = [...others].filter(([other]) => !ends.has(other));
    if (unseen.length === 0) return true;
    try {
      const offsets = await this.endsOf(new Set(unseen.map(([, { topic }]) => topic)));
      // Of a partition that is not in the log any more nothing can come.
      for (const [other] of unseen) ends.set(other, offsets.get(other) ?? 0);
      return true;
    } catch (error) {
      if (!isPortError(error) || !error.retryable) throw error;
      const what = 'the log does not say what is left of series elsewhere; asking again';
      this.telemetry.log('warn', what, { partition: name, error: error.message });
      return false;
    }
  }

  private async endsOf(topics: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
    const { log } = this.ports;
    const existing = (await log.topics()).map((topic) => topic.name).filter((topic) => topics.has(topic));
    return new Map((await log.offsets(existing)).map((at) => [partitionName(at), at.endOffset]));
  }

  private tellOfDisorder(name: string, left: readonly [string, number][]): void {
    this.unordered.add(1);
    this.telemetry.log(
      'warn',
      'series are taken over although ticks of theirs are left elsewhere: these will be late',
      {
        partition: name,
        waitedFor: left.map(([other, end]) => `${other} up to ${end}`).join(', '),
        waitedMs: this.waits.moveWaitMs,
      },
    );
  }
}
