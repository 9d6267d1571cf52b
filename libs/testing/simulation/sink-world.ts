import { openGaps, type SequenceGapRecord } from '@k2/domain/lake';
import { messageId, type TableName } from '@k2/domain/market';
import type { Clock, Scheduler, Telemetry, TickLog, TickStore } from '@k2/ports';
import { Sink, SINK_OPTIONS, untilCommitted } from '@k2/usecases';
import { tradeBatch } from '../builders/index.ts';
import { SeededChance } from './seeded-chance.ts';
import { SimulatedProcess, type Faults } from './simulated-process.ts';

export interface SinkWorldPorts {
  readonly log: TickLog;
  readonly store: TickStore;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** Lets simulated time pass. */
  advance(ms: number): Promise<void>;
  /** Every row of a table, by record field names. */
  rows(table: TableName): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

export interface SinkWorldReport {
  readonly violations: readonly string[];
  readonly produced: number;
  readonly stored: number;
  readonly crashes: number;
  readonly freezes: number;
}

const SYMBOLS = ['A', 'B', 'C', 'D'];
const TOPIC = { name: 'market.equities.trades.asx', partitions: 2, framing: 'block' as const };
const STEP_MS = 5;
const STORM_STEPS = 400;
const CALM_STEPS_MAX = 20_000;

/**
 * A producer and two sinks in a world of faults: appends whose acknowledgement is lost and that are repeated, crashes at
 * any await, zombies, hand-overs. When the storm is over every tick must be in the table exactly once.
 */
export async function runSinkWorld(seed: number, ports: SinkWorldPorts): Promise<SinkWorldReport> {
  const chance = new SeededChance(seed);
  const faults: Faults = {
    failBefore: chance.next() * 0.1,
    loseAcknowledgement: chance.next() * 0.2,
    latencyMsMax: chance.below(20),
  };
  const rates = { crash: chance.next() * 0.02, freeze: chance.next() * 0.01, loss: chance.next() * 0.1 };
  await ports.log.declareTopic(TOPIC);
  const tape = new Tape(chance, rates.loss);
  const slots = [0, 1].map((number) => new SinkSlot(`sink-${number}`, chance, faults, ports));
  const producing = new AbortController();
  const producer = produce(
    tape,
    new SimulatedProcess(chance, ports.scheduler, faults).log(ports.log),
    ports,
    producing.signal,
  );
  let crashes = 0;
  let freezes = 0;

  for (let step = 0; step < STORM_STEPS; step++) {
    for (const slot of slots) {
      if (chance.happens(rates.crash)) crashes += slot.crash();
      if (chance.happens(rates.freeze)) freezes += slot.freeze();
    }
    await ports.advance(STEP_MS);
  }

  Object.assign(faults, { failBefore: 0, loseAcknowledgement: 0, latencyMsMax: 1 });
  producing.abort();
  for (const slot of slots) slot.thaw();
  const settled = { producer: false, committed: false };
  void producer.then(() => (settled.producer = true));
  const deadline = new AbortController();
  for (let step = 0; step < CALM_STEPS_MAX && !settled.committed; step++) {
    if (settled.producer && step % 10 === 0)
      void untilCommitted(ports, deadline.signal).then((done) => (settled.committed ||= done));
    await ports.advance(STEP_MS);
  }
  deadline.abort();
  const violations = settled.committed ? [] : ['when the faults stopped, the system did not drain'];
  const rows = await ports.rows('market_data.trades');
  violations.push(...(await violationsOf(tape, rows, ports)));
  for (const slot of slots) slot.crash();
  return { violations, produced: tape.produced.size, stored: rows.length, crashes, freezes };
}

/** What the producer sends: numbered by the venue, some numbers lost before they reach us. */
class Tape {
  readonly produced = new Set<string>();
  readonly lost = new Set<string>();
  private readonly next = new Map(SYMBOLS.map((symbol) => [symbol, 1]));
  private readonly chance: SeededChance;
  private readonly lossRate: number;

  constructor(chance: SeededChance, lossRate: number) {
    this.chance = chance;
    this.lossRate = lossRate;
  }

  batch() {
    const rows = Array.from({ length: 1 + this.chance.below(8) }, () => this.tick());
    return tradeBatch({ rows });
  }

  /** Only numbers that a later tick proves lost count as lost. */
  get provablyLost(): string[] {
    return [...this.lost].filter((id) => this.produced.has(this.following(id)));
  }

  private following(id: string): string {
    const at = id.lastIndexOf('/');
    let sequence = Number(id.slice(at + 1)) + 1;
    while (this.lost.has(`${id.slice(0, at)}/${sequence}`)) sequence++;
    return `${id.slice(0, at)}/${sequence}`;
  }

  private tick() {
    const symbol = SYMBOLS[this.chance.below(SYMBOLS.length)];
    const series = {
      exchange: 'ASX',
      symbol,
      assetClass: 'equities' as const,
      currency: 'AUD',
      session: 's',
      sequenceOrigin: 'venue' as const,
      firstSequence: 1,
    };
    while (this.chance.happens(this.lossRate)) this.lost.add(messageId(series, this.take(symbol)));
    const venueSequence = this.take(symbol);
    this.produced.add(messageId(series, venueSequence));
    return { series, venueSequence };
  }

  private take(symbol: string): number {
    const sequence = this.next.get(symbol)!;
    this.next.set(symbol, sequence + 1);
    return sequence;
  }
}

/** Appends until told to stop; an append that failed is repeated until it is acknowledged. */
async function produce(tape: Tape, log: TickLog, ports: SinkWorldPorts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const batch = tape.batch();
    for (let acknowledged = false; !acknowledged;) {
      try {
        await log.append(TOPIC.name, { kind: 'ticks', batch });
        acknowledged = true;
      } catch {
        await ports.scheduler.sleep(5);
      }
    }
    await ports.scheduler.sleep(3);
  }
}

/** A place where a sink process runs; another is started wherever one is gone. */
class SinkSlot {
  private readonly name: string;
  private readonly chance: SeededChance;
  private readonly faults: Faults;
  private readonly ports: SinkWorldPorts;
  private readonly frozen: SimulatedProcess[] = [];
  private process: SimulatedProcess;
  private starts = 0;

  constructor(name: string, chance: SeededChance, faults: Faults, ports: SinkWorldPorts) {
    this.name = name;
    this.chance = chance;
    this.faults = faults;
    this.ports = ports;
    this.process = this.start();
  }

  crash(): number {
    this.process.crash();
    this.process = this.start();
    return 1;
  }

  /** The frozen process thaws some time after another has taken its place. */
  freeze(): number {
    const zombie = this.process;
    this.frozen.push(zombie);
    zombie.freeze();
    this.process = this.start();
    void this.ports.scheduler.sleep(this.chance.below(300)).then(() => zombie.thaw());
    return 1;
  }

  thaw(): void {
    for (const zombie of this.frozen) zombie.thaw();
  }

  private start(): SimulatedProcess {
    const process = new SimulatedProcess(this.chance, this.ports.scheduler, this.faults);
    const { clock, scheduler, telemetry } = this.ports;
    const sink = new Sink(
      { log: process.log(this.ports.log), store: process.store(this.ports.store), clock, scheduler, telemetry },
      {
        ...SINK_OPTIONS,
        writer: `${this.name}.${this.starts++}`,
        flushIntervalMs: 1 + this.chance.below(60),
        flushRowsMax: 1 + this.chance.below(60),
        discoverIntervalMs: 20,
        retryDelayMs: 5,
        retryDelayMsMax: 40,
      },
    );
    // A sink that was fenced ends; the next crash or hand-over starts another in its place.
    sink.run(new AbortController().signal).catch(() => {
      if (this.process === process) this.process = this.start();
    });
    return process;
  }
}

async function violationsOf(
  tape: Tape,
  rows: readonly Readonly<Record<string, unknown>>[],
  ports: SinkWorldPorts,
): Promise<string[]> {
  const violations: string[] = [];
  const stored = new Set<string>();
  for (const row of rows) {
    const id = `${String(row['exchange'])}/${String(row['symbol'])}/${String(row['session'])}/${String(row['source_sequence'])}`;
    if (stored.has(id)) violations.push(`${id} is in the table twice`);
    stored.add(id);
    if (!tape.produced.has(id)) violations.push(`${id} is in the table and was never produced`);
  }
  for (const id of tape.produced)
    if (!stored.has(id)) violations.push(`${id} was acknowledged and is not in the table`);

  const missing = openGaps((await ports.rows('audit.sequence_gaps')).map(gapOf)).flatMap((gap) =>
    Array.from({ length: gap.sequenceTo - gap.sequenceFrom + 1 }, (_, i) => messageId(gap, gap.sequenceFrom + i)),
  );
  const lost = new Set(tape.provablyLost);
  for (const id of missing) if (!lost.delete(id)) violations.push(`${id} is in the gap ledger, but was not lost`);
  for (const id of lost) violations.push(`${id} was lost and is not in the gap ledger`);

  const snapshots = (await ports.store.snapshots('market_data.trades', 100_000)).toReversed();
  const reached = new Map<string, number>();
  for (const { progress, snapshotId } of snapshots) {
    for (const { topic, partition, nextOffset } of progress) {
      const name = `${topic}/${partition}`;
      if (nextOffset < (reached.get(name) ?? 0))
        violations.push(`offsets of ${name} go backwards at snapshot ${snapshotId}`);
      reached.set(name, nextOffset);
    }
  }
  return violations;
}

function gapOf(row: Readonly<Record<string, unknown>>): SequenceGapRecord {
  return {
    recordType: 'trades',
    exchange: String(row['exchange']),
    symbol: String(row['symbol']),
    session: String(row['session']),
    status: row['status'] === 'filled' ? 'filled' : 'open',
    sequenceFrom: Number(row['sequence_from']),
    sequenceTo: Number(row['sequence_to']),
    fromTimeUs: Number(row['timestamp_from']),
    toTimeUs: Number(row['timestamp_to']),
    detectedTimeUs: Number(row['detected_timestamp']),
    platformSequence: Number(row['platform_sequence']),
  };
}
