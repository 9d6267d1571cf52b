import { quarantineId, type QuarantineRecord, type Rejection } from '@k2/domain/lake';
import {
  BATCH_ROWS_MAX,
  joinBatches,
  platformSequence,
  selectPlaced,
  type PlacedBatch,
  type TickBatch,
} from '@k2/domain/market';
import { inspectBatch, REFUSALS } from '@k2/domain/quality';
import {
  DUPLICATE,
  hasUnreportedGaps,
  REFUSED,
  sequenceBatch,
  seriesKey,
  seriesKeys,
  settleGaps,
  type SequencingLimits,
  type SeriesState,
} from '@k2/domain/sequencing';
import type { Clock, LogRecord } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';
import { GapNotes } from './gap-notes.ts';
import { refusedTick, untoldTick } from './refused-tick.ts';
import { rowPositions } from './row-positions.ts';
import type { SeriesMoves } from './series-moves.ts';
import type { StateCache } from './state-cache.ts';
import type { TakenRows } from './taken-rows.ts';

/**
 * Turns log records into rows: sequences them, drops duplicates, refuses what can't be, and collects what that says of
 * gaps and sessions. What it throws that is no PortError is a fault of the records, or of this code: what was taken of
 * their partition is half of it and must be forgotten.
 */
export class Intake {
  private readonly states: StateCache;
  private readonly moves: SeriesMoves;
  private readonly clock: Clock;
  private readonly limits: SequencingLimits;

  constructor(states: StateCache, moves: SeriesMoves, clock: Clock, limits: SequencingLimits) {
    this.states = states;
    this.moves = moves;
    this.clock = clock;
    this.limits = limits;
  }

  /**
   * Records of one partition, in their order: ticks that follow each other are taken as one batch. Returns how many of
   * them were taken: those behind wait for series of theirs that are still to be committed elsewhere.
   */
  async take(records: readonly LogRecord[], into: TakenRows): Promise<number> {
    let run: PlacedBatch[] = [];
    let runRows = 0;
    let takenCount = 0;
    const endRun = async (): Promise<boolean> => {
      if (run.length > 0 && !(await this.takeTicks(joinBatches(run), into))) return false;
      takenCount += run.length;
      run = [];
      runRows = 0;
      return true;
    };
    for (const record of records) {
      const { payload } = record;
      if (payload.kind === 'ticks') {
        const { batch } = payload;
        const isOfRun = run.length > 0 && run[0].batch.recordType === batch.recordType;
        if ((!isOfRun || runRows + batch.rowCount > BATCH_ROWS_MAX) && !(await endRun())) return takenCount;
        run.push({ batch, platformSequence: rowPositions(record, batch.rowCount) });
        runRows += batch.rowCount;
        continue;
      }
      if (!(await endRun())) return takenCount;
      if (payload.kind === 'rejections') await this.takeRejections(payload.rejections, record, into);
      else this.takeUndecodable(payload.raw, payload.detail, record, into);
      takenCount++;
    }
    await endRun();
    return takenCount;
  }

  /** Records that the log no longer had when they were asked for: their loss is on the record. */
  takeLost(fromOffset: number, startOffset: number, into: TakenRows): void {
    const source = into.name;
    into.counts.taken++;
    into.recordRows++;
    into.refuse({
      quarantineId: `${source}:${fromOffset}-${startOffset - 1}:lost`,
      exchange: exchangeOf(into.topicPartition.topic),
      recordType: 'unknown',
      source,
      position: BigInt(fromOffset),
      reason: 'log-trimmed',
      detail: `offsets ${fromOffset} to ${startOffset - 1} left the log before they were committed: expected the log to keep them`,
      raw: new Uint8Array(0),
      receiveTimeUs: this.clock.nowUs(),
      platformSequence: platformSequence(fromOffset, 0),
    });
  }

  /** Before the rows become visible: holes held back for reordering are reported. */
  async settle(taken: TakenRows): Promise<void> {
    const { unreported } = taken;
    if (unreported.size === 0) return;
    const { states } = await this.states.load(taken.topicPartition, [...unreported.keys()]);
    const settled = settleGaps(states, (key) => unreported.get(key)!);
    this.states.update(taken.topicPartition, settled.states);
    taken.noteGaps(settled.gaps);
    unreported.clear();
  }

  /** False, and nothing is taken, if a series of theirs may not be taken over yet. */
  private async takeTicks(placed: PlacedBatch, into: TakenRows): Promise<boolean> {
    const read = placed.batch;
    const states = await this.ownStates(seriesKeys(read), into);
    if (states === null) return false;
    const sequenced = sequenceBatch(placed, states, this.limits);
    this.states.update(into.topicPartition, sequenced.states);
    into.noteSessions(sequenced.sessions);
    noteUnreported(read, sequenced.states, into);

    const [, late, duplicates, untold] = sequenced.counts;
    const refusals = inspectBatch(sequenced.batch);
    into.counts.taken += read.rowCount;
    into.counts.late += late;
    into.counts.duplicates += duplicates;
    const { batch } = sequenced;
    const labelled = { batch, platformSequence: placed.platformSequence };
    if (duplicates === 0 && untold === 0 && refusals === null) {
      into.noteGaps(sequenced.gaps);
      into.keep(labelled);
      return true;
    }
    const gaps = new GapNotes(sequenced.gaps);
    const kept = new Uint32Array(batch.rowCount);
    /** Sequencing will not know them if they come again. */
    const comeAgain: QuarantineRecord[] = [];
    let keptCount = 0;
    for (let row = 0; row < batch.rowCount; row++) {
      const verdict = sequenced.verdicts[row];
      const refusal = refusals === null ? 0 : refusals[row];
      if (verdict === DUPLICATE) continue;
      if (verdict !== REFUSED && refusal === 0) {
        kept[keptCount++] = row;
        continue;
      }
      // Whatever else is wrong with it: it may have been refused for that before.
      const why = verdict === REFUSED ? UNPLACEABLE : impossible(refusal);
      if (verdict !== REFUSED) gaps.refused(batch, row, placed.platformSequence[row]);
      const nowUs = this.clock.nowUs();
      if (isOfAnyNumbering(read, row, verdict, refusal)) comeAgain.push(untoldTick(placed, row, why, nowUs));
      else if (verdict === REFUSED) comeAgain.push(refusedTick(labelled, row, why, nowUs));
      else into.refuse(refusedTick(labelled, row, why, nowUs));
    }
    into.noteGaps(gaps.records);
    if (comeAgain.length > 0) await this.refuseOnce(comeAgain, into);
    if (keptCount === 0) return true;
    const rows = kept.subarray(0, keptCount);
    into.keep(selectPlaced(labelled, rows));
    return true;
  }

  /** Null if some belong to another partition that may still move them. */
  private async ownStates(
    keys: readonly string[],
    { topicPartition, name }: TakenRows,
  ): Promise<ReadonlyMap<string, SeriesState> | null> {
    const loaded = await this.states.load(topicPartition, keys);
    if (loaded.elsewhere.size === 0) return loaded.states;
    if (!(await this.moves.mayTakeOver(name, loaded))) return null;
    // What was committed since they were loaded is in them now.
    return (await this.states.load(topicPartition, keys)).states;
  }

  private async takeRejections(rejections: readonly Rejection[], record: LogRecord, into: TakenRows): Promise<void> {
    into.counts.taken += rejections.length;
    const platformSequences = rowPositions(record, rejections.length);
    await this.refuseOnce(
      rejections.map((rejection, index) => ({
        ...rejection,
        position: BigInt(rejection.position),
        platformSequence: platformSequences[index],
      })),
      into,
    );
  }

  /** For what sequencing does not keep from coming again: the same thing refused before is a duplicate. */
  private async refuseOnce(records: readonly QuarantineRecord[], into: TakenRows): Promise<void> {
    const ids = [...new Set(records.map((of) => of.quarantineId))];
    const fresh = new Set(await this.states.refusals.add(into.topicPartition, ids));
    for (const record of records) {
      if (fresh.delete(record.quarantineId)) into.refuse(record);
      else into.counts.duplicates++;
    }
  }

  private takeUndecodable(raw: Uint8Array, detail: string, record: LogRecord, into: TakenRows): void {
    const source = partitionName(record.topicPartition);
    const offset = record.nextOffset - 1;
    into.counts.taken++;
    into.refuse({
      quarantineId: quarantineId(source, offset, raw),
      exchange: exchangeOf(record.topicPartition.topic),
      recordType: 'unknown',
      source,
      position: BigInt(offset),
      reason: 'undecodable-record',
      detail,
      raw,
      receiveTimeUs: this.clock.nowUs(),
      platformSequence: platformSequence(offset, 0),
    });
  }
}

const UNPLACEABLE = {
  reason: 'unplaceable-sequence',
  detail: 'its sequence lies before anything tracked of its session, so it may be a duplicate',
};

function impossible(refusal: number): { readonly reason: string; readonly detail: string } {
  const reason = REFUSALS[refusal];
  return { reason, detail: `the tick is not possible: ${reason}` };
}

/** Nothing tells whether a venue without sessions numbered the tick before a restart of its numbers, or after it. */
function isOfAnyNumbering(batch: TickBatch, row: number, verdict: number, refusal: number): boolean {
  if (batch.series[batch.seriesCode[row]].session !== '') return false;
  return verdict === REFUSED || REFUSALS[refusal] === 'time-out-of-range';
}

function noteUnreported(batch: TickBatch, states: ReadonlyMap<string, SeriesState>, into: TakenRows): void {
  for (const series of batch.series) {
    const key = seriesKey(batch.recordType, series);
    const state = states.get(key);
    if (state !== undefined && hasUnreportedGaps(state))
      into.unreported.set(key, { recordType: batch.recordType, series });
  }
}

/** Topics end in the venue: `market.equities.trades.asx`. */
function exchangeOf(topic: string): string {
  return topic.slice(topic.lastIndexOf('.') + 1).toUpperCase();
}
