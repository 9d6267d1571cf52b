import type { TopicSpec } from '@k2/domain/wire';
import type { SinkOptions } from '@k2/usecases';
import { SeededChance } from './seeded-chance.ts';

/** What may befall a world. A seed draws some of them; leaving one out changes nothing else of its world. */
export const HAZARDS = [
  'crashes', // a process dies at any await, another takes its place
  'freezes', // a process stops, is taken for dead, and goes on after another has taken its place
  'stops', // a sink is told to stop, and another is started
  'errors', // a call fails before it has any effect
  'lost-replies', // a call takes effect, and its caller is told that it failed
  'late-effects', // a commit takes effect after its caller was told that it failed
  'minor-errors', // what a sink can do without: trims, looking for topics and ends, discarding
  'losses', // numbers that never reach us
  'late-ticks', // ticks behind later ones of their series
  'repeats', // a feed sends again what it has sent
  'refused-ticks', // ticks that no market can have sent
  'future-ticks', // ticks of the year 2100
  'resets', // a venue without sessions numbers from the start again
  'rejections', // lines that a feed could not read
  'damage', // records of the log that nobody can decode
  'poison', // ticks at which staging breaks
  'recreated', // a topic whose offsets are of another topic
  'retention', // the log forgets what was not committed
  'growth', // a topic gets more partitions
  'tick-framing', // a topic of one record a tick, also in the middle of its life
  'small-log', // appends are refused while the log is full
  'skewed-clocks', // no two processes have the same time
] as const;
export type Hazard = (typeof HAZARDS)[number];

export interface DrawnTopic extends TopicSpec {
  readonly recordType: 'trades' | 'quotes';
  readonly assetClass: 'equities' | 'crypto';
  readonly exchange: string;
  readonly symbols: number;
}

/** How the world treats the calls of a process. */
export interface Faults {
  /** A call fails before it has any effect. */
  failBefore: number;
  /** A call takes effect, and its reply is lost. */
  loseReply: number;
  /** A commit takes effect some time after its caller was told of a failure. */
  landLate: number;
  /** As `failBefore`, of calls that a sink can do without. */
  failMinor: number;
  latencyMsMax: number;
}

export interface DrawnWorld {
  readonly seed: number;
  readonly hazards: ReadonlySet<Hazard>;
  readonly topics: readonly DrawnTopic[];
  readonly sinks: number;
  readonly stormMs: number;
  readonly faults: Faults;
  /** Probabilities a step. */
  readonly rates: {
    readonly crash: number;
    readonly freeze: number;
    readonly stop: number;
    readonly trim: number;
    readonly grow: number;
    readonly reframe: number;
  };
  /** How long the group takes a process that is gone for alive. */
  readonly sessionTimeoutMs: number;
  readonly logBytesMax: number;
  readonly appendsInFlightMax: number;
  readonly feedPauseMsMax: number;
  readonly batchRowsMax: number;
  readonly clockSkewMsMax: number;
  /** Of the sinks; each draws its own once more where it has a name of its own. */
  readonly sinkOptions: (chance: SeededChance) => Omit<SinkOptions, 'writer'>;
}

export interface DrawOptions {
  /** Of those that the seed draws, these are left out. */
  readonly without?: ReadonlySet<Hazard>;
  /** Instead of those that the seed draws. */
  readonly only?: ReadonlySet<Hazard>;
}

/** The world of a seed: its limits and its faults. Every bound of the code under test is drawn. */
export function drawWorld(seed: number, { without = new Set(), only }: DrawOptions = {}): DrawnWorld {
  const hazards = drawHazards(seed, without, only);
  const chance = SeededChance.named(seed, 'world');
  const has = (hazard: Hazard, rate: number) => (hazards.has(hazard) ? rate : 0);
  const faults: Faults = {
    failBefore: has('errors', chance.rate(0.15)),
    loseReply: has('lost-replies', chance.next() * 0.2),
    landLate: has('late-effects', chance.next() * 0.2),
    failMinor: has('minor-errors', 0.05 + chance.next() * 0.95),
    latencyMsMax: chance.limit(0, 40),
  };
  const rates = {
    crash: has('crashes', chance.next() * 0.03),
    freeze: has('freezes', chance.next() * 0.02),
    stop: has('stops', chance.next() * 0.02),
    trim: has('retention', chance.next() * 0.05),
    grow: has('growth', chance.next() * 0.05),
    reframe: has('tick-framing', chance.rate(0.05)),
  };
  const batchRowsMax = chance.limit(1, 16);
  // A session lasts as long for every sink: what one takes for a reset, another must not take for a duplicate.
  const sequencing = {
    reorderTicksMax: chance.limit(1, 64),
    missingRangesMax: chance.limit(1, 1_000),
    resetQuietUs: chance.limit(1, 60_000_000),
    resetSequenceMax: chance.limit(2, 1_000),
  };
  return {
    seed,
    hazards,
    topics: drawTopics(chance, hazards),
    sinks: 1 + chance.below(3),
    stormMs: chance.limit(100, 1_500),
    faults,
    rates,
    sessionTimeoutMs: chance.limit(0, 200),
    logBytesMax: hazards.has('small-log') ? chance.limit(4_000, 60_000) : Infinity,
    // A repeated append may fall behind the reset that followed it, and could then not be told from it.
    appendsInFlightMax: hazards.has('resets') ? 1 : chance.limit(1, 6),
    feedPauseMsMax: chance.limit(1, 40),
    batchRowsMax,
    clockSkewMsMax: hazards.has('skewed-clocks') ? chance.limit(1, 10_000) : 0,
    sinkOptions: (own) => {
      const retryDelayMs = own.limit(1, 50);
      return {
        group: 'k2-sink',
        flushRowsMax: own.limit(1, 300),
        flushBytesMax: own.limit(1, 50_000),
        flushIntervalMs: own.limit(1, 300),
        readBytesMax: own.limit(1, 30_000),
        gatherMs: own.limit(0, 40),
        discoverIntervalMs: own.limit(1, 200),
        statesMax: own.limit(1, 30),
        // More than a world refuses: that nothing is quarantined twice holds up to this bound only.
        refusedIdsMax: 10_000 + own.limit(1, 100_000),
        retryDelayMs,
        retryDelayMsMax: own.limit(retryDelayMs, 400),
        commitRetryMs: own.limit(1, 5_000),
        stopRetryMs: own.limit(1, 5_000),
        pauseMs: own.limit(1, 1_000),
        pauseMsMax: own.limit(1_000, 10_000),
        moveWaitMs: own.limit(1, 1_000),
        sequencing,
      };
    },
  };
}

/** Each world has some hazards and lacks others: one may hide what another would show. */
function drawHazards(seed: number, without: ReadonlySet<Hazard>, only: ReadonlySet<Hazard> | undefined): Set<Hazard> {
  const share = SeededChance.named(seed, 'hazards').next();
  const drawn = HAZARDS.filter((hazard) => {
    const chance = SeededChance.named(seed, hazard).next();
    return only === undefined ? chance < share : only.has(hazard);
  });
  const hazards = new Set(drawn.filter((hazard) => !without.has(hazard)));
  // What comes behind a reset, or is lost before one, can't be told from what the reset brings: documented, no fault.
  if (hazards.has('resets'))
    for (const unfit of ['losses', 'late-ticks', 'repeats', 'retention', 'damage', 'growth'] as const)
      hazards.delete(unfit);
  // What is paused stays in the log, and fills a small one.
  if (hazards.has('recreated')) hazards.delete('small-log');
  return hazards;
}

function drawTopics(chance: SeededChance, hazards: ReadonlySet<Hazard>): DrawnTopic[] {
  const kinds = [
    { exchange: 'ASX', assetClass: 'equities', recordType: 'trades' },
    { exchange: 'ASX', assetClass: 'equities', recordType: 'quotes' },
    { exchange: 'SIMX', assetClass: 'crypto', recordType: 'trades' },
  ] as const;
  return kinds.slice(0, 1 + chance.below(kinds.length)).map((kind) => ({
    ...kind,
    name: `market.${kind.assetClass}.${kind.recordType}.${kind.exchange.toLowerCase()}`,
    partitions: chance.limit(1, 4),
    framing: hazards.has('tick-framing') && chance.happens(0.5) ? ('tick' as const) : ('block' as const),
    symbols: chance.limit(1, 8),
  }));
}
