import type { Hazard } from '@k2/testing/simulation';
import type { Mutant } from './plant.ts';
import type { WorldName } from './worlds/index.ts';

export interface WorldMutant extends Mutant {
  readonly world: WorldName;
  /** Instead of the hazards that a seed draws, where few seeds would draw those that it takes. */
  readonly only?: readonly Hazard[];
}

/** Faults that were there once (by the number of the review that named them), or that one line would make. Each must be found. */
export const MUTANTS: readonly WorldMutant[] = [
  {
    name: 'E1-known-series-taken-for-new',
    world: 'sink',
    file: 'libs/usecases/sink/state-cache.ts',
    original: 'if (known === undefined) unknown.push(key);',
    mutated:
      'if (known === undefined && !this.committed.has(key) && this.committed.size < this.statesMax) unknown.push(key);',
  },
  {
    name: 'E2-any-time-moves-the-silence',
    world: 'sink',
    file: 'libs/domain/sequencing/sequence-batch.ts',
    original: 'if (timeUs > lastTimeUs[slot] && isPossibleTime(timeUs, receiveTimeUs[row])) lastTimeUs[slot] = timeUs;',
    mutated: 'if (timeUs > lastTimeUs[slot]) lastTimeUs[slot] = timeUs;',
    only: ['resets', 'future-ticks'],
  },
  {
    name: 'E4-catalog-takes-any-time',
    world: 'catalog',
    file: 'libs/adapters/memory/memory-table-catalog.ts',
    original: 'this.assertLater(committedUs);',
    mutated: '',
  },
  {
    name: 'E5-two-formulas-of-positions',
    world: 'sink',
    file: 'libs/usecases/sink/intake.ts',
    original: 'tickPositions(rowOffsets)',
    mutated: 'BigInt64Array.from(rowOffsets, BigInt)',
    only: ['tick-framing'],
  },
  {
    name: 'E6-failed-append-is-not-told',
    world: 'record',
    file: 'libs/usecases/record/record-feed.ts',
    original: 'failing.abort();',
    mutated: '',
  },
  {
    name: 'E7-a-fault-ends-the-sink',
    world: 'sink',
    file: 'libs/usecases/sink/sink-loop.ts',
    original: "return !isPortError(error) || isPortError(error, 'topic-recreated', 'unknown-topic');",
    mutated: "return isPortError(error, 'unknown-topic');",
  },
  {
    name: 'E7-unwritable-rows-end-the-sink',
    world: 'sink',
    file: 'libs/usecases/sink/commit-pipeline.ts',
    original: "return !isPortError(error) || isPortError(error, 'unwritable-rows');",
    mutated: "return isPortError(error, 'unwritable-rows');",
  },
  {
    name: 'E11-full-log-stays-full',
    world: 'full-log',
    file: 'libs/adapters/sqlite/sqlite-tick-log.ts',
    original: 'this.reclaimFailure = error;',
    mutated: 'this.reclaimFailure = error; return;',
  },
  {
    name: 'E12-a-failed-trim-fails-the-commit',
    world: 'sink',
    file: 'libs/usecases/sink/commit-pipeline.ts',
    original: 'this.failedTrims.add(1);',
    mutated: 'throw error;',
    only: ['minor-errors'],
  },
  {
    name: 'E13-a-failed-look-ends-the-life',
    world: 'sink',
    file: 'libs/usecases/sink/partition-handover.ts',
    original: 'this.listener.looked(error);',
    mutated:
      'void this.listener.revoked([]); await this.membership?.leave(); this.membership = null; this.subscribed = new Set();',
    only: ['minor-errors'],
  },
  {
    name: 'a-failed-look-elsewhere-ends-the-life',
    world: 'sink',
    file: 'libs/usecases/sink/series-moves.ts',
    original: 'if (!isPortError(error) || !error.retryable) throw error;',
    mutated: 'throw error;',
    only: ['minor-errors'],
  },
  {
    name: 'handed-over-states-are-kept',
    world: 'sink',
    file: 'libs/usecases/sink/sink-loop.ts',
    original: 'this.states.forgetCommitted();',
    mutated: '',
  },
  {
    name: 'states-are-not-committed',
    world: 'sink',
    file: 'libs/usecases/sink/commit-pipeline.ts',
    original: 'const state = new Map(parts.flatMap((part) => [...part.state.changes]));',
    mutated: 'const state = new Map<string, string>();',
  },
  {
    name: 'offsets-without-rows',
    world: 'sink',
    file: 'libs/usecases/sink/commit-pipeline.ts',
    original: 'nextOffset: taken.nextOffset }',
    mutated: 'nextOffset: taken.nextOffset + 1 }',
  },
  {
    name: 'rows-behind-the-offsets',
    world: 'sink',
    file: 'libs/usecases/sink/commit-pipeline.ts',
    original: 'nextOffset: taken.nextOffset }',
    mutated: 'nextOffset: Math.max(taken.fromOffset, taken.nextOffset - 1) }',
  },
  {
    name: 'trimmed-before-the-commit',
    world: 'sink',
    file: 'libs/usecases/sink/commit-pipeline.ts',
    original: 'const startUs = clock.monotonicUs();',
    mutated:
      'const startUs = clock.monotonicUs(); await this.ports.log.trim(parts.map(({ owned, taken }) => ({ ...owned.topicPartition, nextOffset: taken.nextOffset })));',
    only: ['crashes', 'errors'],
  },
  {
    name: 'given-up-without-a-commit',
    world: 'sink',
    file: 'libs/usecases/sink/sink-loop.ts',
    original: 'this.partitions.release(partition);',
    mutated: '',
  },
  {
    name: 'refused-ticks-are-not-missing',
    world: 'sink',
    file: 'libs/usecases/sink/intake.ts',
    original: 'if (verdict !== REFUSED) gaps.refused(batch, row, placed.platformSequence[row]);',
    mutated: '',
  },
  {
    name: 'duplicates-are-kept',
    world: 'sink',
    file: 'libs/usecases/sink/intake.ts',
    original: 'if (verdict === DUPLICATE) continue;',
    mutated: '',
  },
  {
    name: 'rejections-are-not-known-again',
    world: 'sink',
    file: 'libs/usecases/sink/state-cache.ts',
    original: 'const fresh = new Set(unknown.filter((id) => !stored.has(REJECTED_PREFIX + id)));',
    mutated: 'const fresh = new Set(unknown);',
    only: ['rejections', 'repeats'],
  },
  {
    name: 'ticks-of-two-numberings-share-a-name',
    world: 'sink',
    file: 'libs/usecases/sink/intake.ts',
    original: 'comeAgain.push(untoldTick(placed, row, why, nowUs));',
    mutated: 'comeAgain.push(refusedTick(labelled, row, why, nowUs));',
    only: ['resets', 'future-ticks', 'tick-framing', 'lost-replies', 'errors'],
  },
  {
    name: 'held-back-gaps-are-not-told',
    world: 'sink',
    file: 'libs/usecases/sink/intake.ts',
    original: 'taken.noteGaps(settled.gaps);',
    mutated: '',
  },
  {
    name: 'lost-records-are-not-told',
    world: 'sink',
    file: 'libs/usecases/sink/sink-loop.ts',
    original: 'this.intake.takeLost(nextOffset, startOffset, taken);',
    mutated: '',
    only: ['retention', 'crashes'],
  },
  {
    name: 'poison-is-dropped',
    world: 'sink',
    file: 'libs/usecases/sink/stage-without-poison.ts',
    original: "taken.refuse(refusedTick(placed, row, { reason: 'unstorable', detail }, nowUs));",
    mutated: '',
    only: ['poison'],
  },
  {
    name: 'poison-that-comes-alone-stands-still',
    world: 'sink',
    file: 'libs/usecases/sink/stage-without-poison.ts',
    original: 'if (!(isStoreWell ?? poison.size === 1)) throw error;',
    mutated: 'if (poison.size > 1) throw error;',
    only: ['poison'],
  },
  {
    name: 'poison-is-not-missing',
    world: 'sink',
    file: 'libs/usecases/sink/stage-without-poison.ts',
    original: 'gaps.refused(placed.batch, row, placed.platformSequence[row]);',
    mutated: '',
    only: ['poison'],
  },
  {
    name: 'a-repeated-append-loses-its-turn',
    world: 'record',
    file: 'libs/usecases/record/record-feed.ts',
    original: 'if (!isPortError(error) || !error.retryable || signal.aborted) throw error;',
    mutated: 'if (signal.aborted) throw error; return undefined as never;',
  },
];
