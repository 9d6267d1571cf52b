import type { TableName } from '@k2/domain/market';
import { REJECTIONS_TOPIC } from '@k2/domain/wire';
import type { Clock, Scheduler, Telemetry, TickLog, TickStore } from '@k2/ports';
import { drawWorld, type DrawnWorld, type DrawOptions, type Hazard } from './drawn-world.ts';
import { checkEndState, type Row } from './end-state.ts';
import { Producer } from './producer.ts';
import { SeededChance } from './seeded-chance.ts';
import { nameOf, SimulatedLog } from './simulated-log.ts';
import { SinkSlot, type Shared } from './sink-slot.ts';
import { SentTicks, Tape } from './tape.ts';
import { Trace } from './trace.ts';
import { Witness } from './witness.ts';
import { WitnessedStore } from './witnessed-store.ts';
import type { WorldReport } from './world-report.ts';

export interface SinkWorldPorts {
  /** With at most this many bytes in it. */
  createLog(bytesMax: number): TickLog;
  readonly store: TickStore;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** Lets simulated time pass. */
  advance(ms: number): Promise<void>;
  /** Every row of a table, by record field names. */
  rows(table: TableName): Promise<readonly Row[]>;
}

export interface SinkWorldOptions extends DrawOptions {
  /** Keeps the lines of the trace, not only their hash. */
  readonly tracesLines?: boolean;
}

export interface SinkWorldReport extends WorldReport {
  readonly ticks: number;
  readonly stored: number;
  readonly commits: number;
  readonly crashes: number;
  readonly freezes: number;
}

const STEP_MS = 5;
/** Simulated time within which a world must come to rest once nothing is wrong with it any more. */
const CALM_MS_MAX = 300_000;
/** Simulated time within which a sink stops that nothing hinders. */
const END_MS_MAX = 10_000;
/** Of a topic that grows. */
const PARTITIONS_MAX = 8;

/**
 * Producers and sinks in a world of faults, all drawn from the seed, as are the limits of the code under test. Every
 * commit is held against the log as it lands; when the storm is over the world must come to rest, with every sink
 * running, every tick in the tables or in the quarantine exactly once, and every missing number in the ledger.
 */
export async function runSinkWorld(
  seed: number,
  ports: SinkWorldPorts,
  options: SinkWorldOptions = {},
): Promise<SinkWorldReport> {
  const world = new SinkWorld(drawWorld(seed, options), ports, options.tracesLines ?? false);
  return world.run();
}

class SinkWorld {
  private readonly world: DrawnWorld;
  private readonly ports: SinkWorldPorts;
  private readonly chance: SeededChance;
  private readonly trace: Trace;
  private readonly sent = new SentTicks();
  private readonly tapes: readonly Tape[];
  private readonly log: SimulatedLog;
  private readonly witness: Witness;
  private readonly shared: Shared;
  private readonly recreated: string | null;
  private nowMs = 0;
  private crashes = 0;
  private freezes = 0;
  /** A topic grew of which some partition had ticks and no commit: that it is older than the new ones nothing tells. */
  private grewUncommitted = false;

  constructor(world: DrawnWorld, ports: SinkWorldPorts, tracesLines: boolean) {
    this.world = world;
    this.ports = ports;
    this.chance = SeededChance.named(world.seed, 'events');
    this.trace = new Trace(() => Math.round(ports.clock.monotonicUs() / 1_000), tracesLines);
    const { hazards, seed, faults, sessionTimeoutMs } = world;
    const damage = SeededChance.named(seed, 'damage');
    const damageRate = hazards.has('damage') ? damage.next() * 0.1 : 0;
    this.log = new SimulatedLog(ports.createLog(world.logBytesMax), damage, damageRate);
    this.witness = new Witness(this.log, this.sent);
    this.tapes = world.topics.map((topic) => new Tape(topic, world, this.sent));
    this.recreated = hazards.has('recreated') ? world.topics[world.topics.length - 1].name : null;
    const { clock, scheduler, telemetry } = ports;
    this.shared = {
      clock,
      scheduler,
      telemetry,
      faults: { ...faults },
      sessionTimeoutMs,
      trace: this.trace,
      counts: new Map(),
      log: this.log,
      store: new WitnessedStore(ports.store, this.witness),
      violate: (what) => this.witness.violate(what),
    };
  }

  async run(): Promise<SinkWorldReport> {
    const { world, shared } = this;
    await this.recreateTopic();
    const producers = this.tapes.map((tape) => new Producer(tape, world, shared));
    const slots = Array.from({ length: world.sinks }, (_, number) => new SinkSlot(number, world, shared));

    while (this.nowMs < world.stormMs) {
      await this.befall(producers, slots);
      await this.pass(STEP_MS);
    }
    Object.assign(shared.faults, { failBefore: 0, loseReply: 0, landLate: 0, failMinor: 0, latencyMsMax: 1 });
    for (const producer of producers) producer.end();
    for (const slot of slots) slot.thaw();
    const calmFromMs = this.nowMs;
    let unrest = '';
    do {
      await this.pass(this.nowMs - calmFromMs < 2_000 ? STEP_MS : 50);
      unrest = await this.unrest(producers, slots);
    } while (unrest !== '' && this.nowMs - calmFromMs < this.calmMsMax);
    this.checkStartOvers(slots);
    if (unrest === '') {
      await this.endSinks(slots);
      const { log, witness, sent, tapes, recreated } = this;
      const { store, rows } = this.ports;
      await checkEndState({ store, log, witness, sent, tapes, recreated, rows });
      await this.checkOrder();
    } else this.witness.violate(`the faults stopped, and ${unrest}`);
    return this.report();
  }

  /** A world that has broken already need not come to rest. */
  private get calmMsMax(): number {
    return this.witness.violations.length > 0 ? 5_000 : CALM_MS_MAX;
  }

  /** One topic has progress that belongs to another topic of its name. */
  private async recreateTopic(): Promise<void> {
    if (this.recreated === null) return;
    const { store } = this.ports;
    const [claim] = await store.claim('former', [{ topic: this.recreated, partition: 0, topicId: 'former' }]);
    const staged = await store.stage({ ticks: [], gaps: [], sessions: [], quarantine: [] });
    await store.commit(staged, { partitions: [{ claim, nextOffset: 5 }], state: new Map() });
    this.witness.foreign(nameOf(claim), 5);
  }

  private async befall(producers: readonly Producer[], slots: readonly SinkSlot[]): Promise<void> {
    const { rates } = this.world;
    const happens = (rate: number) => this.chance.happens(rate);
    for (const producer of producers) if (happens(rates.crash)) producer.crash();
    for (const slot of slots) {
      if (happens(rates.crash)) {
        slot.crash();
        this.crashes++;
      }
      if (happens(rates.freeze)) {
        slot.freeze();
        this.freezes++;
      }
      if (happens(rates.stop)) slot.stop();
    }
    if (happens(rates.trim)) await this.forget();
    if (happens(rates.grow)) await this.grow();
    if (happens(rates.reframe)) {
      const { name } = this.chance.pick(this.world.topics);
      this.trace.step('operator', `changes the framing of ${name}`);
      this.log.reframe(name);
    }
  }

  /** Retention deletes records of one partition, even if they are still needed. */
  private async forget(): Promise<void> {
    const offsets = await this.log.offsets((await this.log.topics()).map(({ name }) => name));
    const grown = offsets.filter(({ startOffset, endOffset }) => endOffset > startOffset);
    if (grown.length === 0) return;
    const { topic, partition, startOffset, endOffset } = this.chance.pick(grown);
    const nextOffset = startOffset + 1 + this.chance.below(endOffset - startOffset);
    this.trace.step('retention', `takes ${topic}/${partition} up to ${nextOffset}`);
    await this.log.forget({ topic, partition, nextOffset });
  }

  /** To a multiple, as no log lets a topic grow otherwise. */
  private async grow(): Promise<void> {
    const topics = (await this.log.topics()).filter(
      ({ name, partitions }) => name !== REJECTIONS_TOPIC && 2 * partitions <= PARTITIONS_MAX,
    );
    if (topics.length === 0) return;
    const topic = this.chance.pick(topics);
    const multiplesMax = Math.floor(PARTITIONS_MAX / topic.partitions);
    const partitions = topic.partitions * (2 + this.chance.below(multiplesMax - 1));
    const offsets = await this.log.offsets([topic.name]);
    this.grewUncommitted ||= offsets.some(
      (at) => at.endOffset > 0 && (this.witness.progress.get(nameOf(at)) ?? 0) === 0,
    );
    this.trace.step('operator', `gives ${topic.name} ${partitions} partitions`);
    await this.log.declareTopic({ ...topic, partitions });
  }

  /** What keeps the world from being at rest; empty where nothing does. */
  private async unrest(producers: readonly Producer[], slots: readonly SinkSlot[]): Promise<string> {
    if (!producers.every(({ isDone }) => isDone)) return 'a feed has not sent everything';
    for (const { topic, partition, endOffset } of await this.log.offsets(
      (await this.log.topics()).map(({ name }) => name),
    )) {
      const name = nameOf({ topic, partition });
      const nextOffset = this.witness.progress.get(name) ?? 0;
      if (nextOffset < endOffset && topic !== this.recreated)
        return `${name} is committed up to ${nextOffset} of ${endOffset}`;
    }
    for (const slot of slots) for (const why of slot.unwell()) return why;
    return '';
  }

  /** A sink whose log cannot be trimmed, or does not say what topics there are, goes on with what it has. */
  private checkStartOvers(slots: readonly SinkSlot[]): void {
    if ([...this.world.hazards].some((hazard) => GROUNDS_TO_START_OVER.has(hazard))) return;
    for (const slot of slots)
      if (slot.startOvers > 0) this.witness.violate('a sink started over because of a failure that it can do without');
  }

  /** Where ticks come in order and none is missing, no gap is seen, unless a sink says that it waited for too long. */
  private async checkOrder(): Promise<void> {
    if ([...this.world.hazards].some((hazard) => !IN_ORDER.has(hazard))) return;
    if (this.grewUncommitted || (this.shared.counts.get('k2_sink_unordered_moves') ?? 0) > 0) return;
    const gaps = await this.ports.rows('audit.sequence_gaps');
    if (gaps.length > 0) this.witness.violate(`the gap ledger has ${gaps.length} rows, and every tick came in order`);
  }

  private async endSinks(slots: readonly SinkSlot[]): Promise<void> {
    for (const slot of slots) slot.end();
    const fromMs = this.nowMs;
    const unwell = () => slots.flatMap((slot) => [...slot.unwell()]);
    while (unwell().length > 0 && this.nowMs - fromMs < END_MS_MAX) await this.pass(STEP_MS);
    for (const why of unwell()) this.witness.violate(why);
  }

  private async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    await this.ports.advance(ms);
  }

  private report(): SinkWorldReport {
    const { world, witness, trace, sent, crashes, freezes, nowMs } = this;
    return {
      seed: world.seed,
      violations: [...new Set(witness.violations)],
      drawn: [...world.hazards].join(', '),
      ticks: sent.count,
      stored: witness.stored.size,
      commits: witness.commits,
      crashes,
      freezes,
      lastedMs: nowMs,
      steps: trace.steps,
      hash: trace.hash,
      lines: trace.lines,
    };
  }
}

const GROUNDS_TO_START_OVER: ReadonlySet<Hazard> = new Set<Hazard>([
  'crashes',
  'freezes',
  'errors',
  'lost-replies',
  'late-effects',
  'retention',
  'growth',
  'recreated',
  'poison',
]);

/** Hazards with which every tick reaches the log, in its order. */
const IN_ORDER: ReadonlySet<Hazard> = new Set<Hazard>([
  'stops',
  'minor-errors',
  'repeats',
  'rejections',
  'resets',
  'growth',
  'tick-framing',
  'skewed-clocks',
]);
