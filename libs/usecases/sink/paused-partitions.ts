import { LogOffsetError } from '@k2/domain/market';
import { isPortError, type Clock, type Telemetry, type TopicPartition } from '@k2/ports';
import { asError } from '../as-error.ts';
import { partitionName } from '../topic-partition.ts';

/** A partition of which nothing is taken, because of a fault that is its own; the others go on. */
export interface PausedPartition extends TopicPartition {
  /** Where it is to be read next; null if the fault came before that was known. */
  readonly offset: number | null;
  /** When it was paused first, UTC µs. */
  readonly sinceUs: number;
  /** Of the PortError; `log-exhausted` if an offset is too large for a position; `fault` of any other error. */
  readonly kind: string;
  readonly error: Error;
}

interface Pause {
  readonly paused: PausedPartition;
  /** On the clock's monotonic time. */
  readonly retryDueUs: number;
  readonly waitMs: number;
  /** `tried` again, until a commit ends the pause or it rests once more; `left` while the sink is in no group. */
  state: 'resting' | 'tried' | 'left';
}

/**
 * The partitions that this sink leaves alone. The group is not told: a partition that was handed on would only stop the
 * next sink. Each is tried again after a wait that doubles, until a commit of it succeeds. What a start over of the sink
 * brings back is still paused; what another member gets is forgotten.
 */
export class PausedPartitions {
  private readonly clock: Clock;
  private readonly telemetry: Telemetry;
  private readonly waits: { readonly pauseMs: number; readonly pauseMsMax: number };
  private readonly pauses = new Map<string, Pause>();
  private readonly counter;

  constructor(
    { clock, telemetry }: { readonly clock: Clock; readonly telemetry: Telemetry },
    waits: { readonly pauseMs: number; readonly pauseMsMax: number },
  ) {
    this.clock = clock;
    this.telemetry = telemetry;
    this.waits = waits;
    this.counter = telemetry.counter('k2_sink_pauses', 'Times that a partition was paused for a fault of its own.');
    telemetry.gauge('k2_sink_paused_partitions', 'Partitions of which nothing is taken.', () =>
      this.list.map(({ topic, partition }) => [1, { topic, partition }] as const),
    );
  }

  get list(): readonly PausedPartition[] {
    return Array.from(this.pauses.values())
      .filter(({ state }) => state === 'resting')
      .map(({ paused }) => paused);
  }

  isPaused(partition: TopicPartition): boolean {
    return this.pauses.get(partitionName(partition))?.state === 'resting';
  }

  pause({ topic, partition }: TopicPartition, offset: number | null, error: unknown): void {
    const name = partitionName({ topic, partition });
    const before = this.pauses.get(name);
    const waitMs = before === undefined ? this.waits.pauseMs : Math.min(2 * before.waitMs, this.waits.pauseMsMax);
    const paused: PausedPartition = {
      topic,
      partition,
      offset,
      sinceUs: before?.paused.sinceUs ?? this.clock.nowUs(),
      kind: kindOf(error),
      error: asError(error),
    };
    const retryDueUs = this.clock.monotonicUs() + waitMs * 1_000;
    this.pauses.set(name, { paused, retryDueUs, waitMs, state: 'resting' });
    this.counter.add(1, { topic, kind: paused.kind });
    this.telemetry.log('error', 'nothing is taken of a partition; the others go on', {
      partition: name,
      offset,
      kind: paused.kind,
      error: error instanceof Error ? (paused.kind === 'fault' ? error.stack : error.message) : String(error),
      retryMs: waitMs,
    });
  }

  /** Those whose wait is over; they count as tried again from now on. */
  takeDue(): readonly TopicPartition[] {
    const nowUs = this.clock.monotonicUs();
    const due: TopicPartition[] = [];
    for (const pause of this.pauses.values()) {
      if (pause.state !== 'resting' || pause.retryDueUs > nowUs) continue;
      pause.state = 'tried';
      due.push({ topic: pause.paused.topic, partition: pause.paused.partition });
    }
    return due;
  }

  /** The sink leaves its group: who gets the partitions next is not known yet. */
  left(): void {
    for (const pause of this.pauses.values()) if (pause.state === 'resting') pause.state = 'left';
  }

  /** The group has given the partition to this sink. Returns whether it is to rest. */
  assigned(partition: TopicPartition): boolean {
    const pause = this.pauses.get(partitionName(partition));
    if (pause?.state === 'left') pause.state = 'resting';
    return pause?.state === 'resting';
  }

  committed(name: string): void {
    this.pauses.delete(name);
  }

  /** It is another member's now. */
  forget(partition: TopicPartition): void {
    this.pauses.delete(partitionName(partition));
  }
}

function kindOf(error: unknown): string {
  if (isPortError(error)) return error.kind;
  return error instanceof LogOffsetError ? 'log-exhausted' : 'fault';
}
