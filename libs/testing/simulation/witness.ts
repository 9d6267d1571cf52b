import type { QuarantineRecord } from '@k2/domain/lake';
import { offsetOfPosition, type PlacedBatch } from '@k2/domain/market';
import type { CommitReceipt, PlannedRows, ProgressChange } from '@k2/ports';
import { nameOf, type SimulatedLog, type TrueRecord } from './simulated-log.ts';
import { nameOf as tickName, tickIdOf, tickIds, type SentTicks } from './tape.ts';

const VIOLATIONS_MAX = 20;

/**
 * Sees every commit that takes effect and holds it against what the log truly has: the rows of a flush are those of the
 * offsets that it moves over, no more and no less, and each tick is in the tables once.
 */
export class Witness {
  readonly violations: string[] = [];
  readonly stored = new Set<number>();
  /** Ticks that no market can have sent, or at which staging breaks: in the quarantine with their numbers. */
  readonly refused = new Set<number>();
  /** Ticks of records that nobody could read: lost to damage or to retention, and said to be. */
  readonly unread = new Set<number>();
  /** Ticks of which nothing tells any more whether they are duplicates: in the quarantine, and maybe in a table. */
  readonly unplaceable = new Set<number>();
  readonly quarantineIds = new Set<string>();
  /** By quarantine id. */
  private readonly quarantinedTicks = new Map<string, number>();
  readonly progress = new Map<string, number>();
  commits = 0;
  private readonly log: SimulatedLog;
  private readonly sent: SentTicks;
  private lastCommittedUs = -Infinity;

  constructor(log: SimulatedLog, sent: SentTicks) {
    this.log = log;
    this.sent = sent;
  }

  violate(what: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(what);
  }

  /** Progress that the store had before the world began. */
  foreign(partition: string, nextOffset: number): void {
    this.progress.set(partition, nextOffset);
  }

  landed(rows: PlannedRows, change: ProgressChange, { committedUs }: CommitReceipt): void {
    this.commits++;
    if (committedUs <= this.lastCommittedUs) this.violate(`commit ${this.commits} is not later than the one before it`);
    this.lastCommittedUs = committedUs;
    const spans = change.partitions.map(({ claim, nextOffset }) => {
      const name = nameOf(claim);
      const from = this.progress.get(name) ?? 0;
      if (claim.nextOffset !== from) this.violate(`${name} is at ${from}, and a commit went from ${claim.nextOffset}`);
      if (nextOffset < from) this.violate(`${name} goes back from ${from} to ${nextOffset}`);
      this.progress.set(name, nextOffset);
      return { name, from, to: nextOffset, records: this.log.records.get(name) ?? [] };
    });
    for (const placed of rows.ticks) this.storedRows(placed, spans);
    const lost = new Map<string, [number, number][]>();
    for (const record of rows.quarantine) this.quarantined(record, lost);
    for (const { name, from, to, records } of spans) {
      if (to > records.length) this.violate(`${name} is committed up to ${to}, and ends at ${records.length}`);
      for (let offset = from; offset < Math.min(to, records.length); offset++)
        this.accountFor(records[offset], name, offset, lost.get(name) ?? []);
    }
  }

  private storedRows(
    { batch, platformSequence }: PlacedBatch,
    spans: readonly { name: string; from: number; to: number; records: readonly TrueRecord[] }[],
  ): void {
    const ids = tickIds(batch);
    for (let row = 0; row < batch.rowCount; row++) {
      const id = Number(ids[row]);
      const tick = this.sent.tick(id);
      if (tick === undefined) {
        this.violate(`a row is stored that was never sent`);
        continue;
      }
      const name = tickName(tick);
      const series = batch.series[batch.seriesCode[row]];
      const said = tickName({ recordType: batch.recordType, series, sequence: batch.venueSequence[row] });
      if (said !== name) this.violate(`${name} is stored as ${said}`);
      if (this.stored.has(id)) this.violate(`${name} is stored twice`);
      this.stored.add(id);
      const offset = offsetOfPosition(platformSequence[row]);
      const isOfSpan = spans.some(
        ({ from, to, records }) => offset >= from && offset < to && records[offset]?.tickIds.includes(id),
      );
      if (!isOfSpan) this.violate(`${name} is stored as of offset ${offset}, which its commit does not move over`);
    }
  }

  private quarantined(record: QuarantineRecord, lost: Map<string, [number, number][]>): void {
    const { quarantineId, reason, source } = record;
    if (source === 'log') {
      this.refusedTick(record);
      return;
    }
    if (this.quarantineIds.has(quarantineId)) this.violate(`${quarantineId} is in the quarantine twice`);
    this.quarantineIds.add(quarantineId);
    if (reason !== 'log-trimmed') return;
    const [from, to] = /:(\d+)-(\d+):lost$/.exec(quarantineId)!.slice(1).map(Number);
    const ranges = lost.get(source);
    if (ranges === undefined) lost.set(source, [[from, to]]);
    else ranges.push([from, to]);
  }

  /** Known by its quantity, whatever it is called: an unplaceable one may be stored, or refused for what it is, as well. */
  private refusedTick({ quarantineId, reason, raw }: QuarantineRecord): void {
    const tick = this.sent.tick(tickIdOf(raw));
    if (tick === undefined) {
      this.violate(`${quarantineId} is in the quarantine and was never sent`);
      return;
    }
    const name = tickName(tick);
    const refused = reason === 'unplaceable-sequence' ? this.unplaceable : this.refused;
    if (refused.has(tick.id)) this.violate(`${name} is in the quarantine twice, for ${reason}`);
    refused.add(tick.id);
    const named = this.quarantinedTicks.get(quarantineId) ?? tick.id;
    if (named !== tick.id)
      this.violate(`${quarantineId} names ${name} and ${tickName(this.sent.tick(named)!)} in the quarantine`);
    this.quarantinedTicks.set(quarantineId, tick.id);
    if (refused === this.unplaceable) return;
    if (!tick.isRefused && !tick.isPoison)
      this.violate(`${name} is refused for ${reason}, and nothing is wrong with it`);
    // Of what numbering it is only its time could tell.
    const isUntold = reason === 'time-out-of-range' && tick.isOfResets;
    if (!isUntold && quarantineId !== name) this.violate(`${name} is in the quarantine as ${quarantineId}`);
  }

  /** Everything that a record carried is in the tables, in the quarantine, or said to be lost. */
  private accountFor(record: TrueRecord, name: string, offset: number, lost: readonly [number, number][]): void {
    if (lost.some(([from, to]) => offset >= from && offset <= to)) {
      if (offset >= (this.log.forgotten.get(name) ?? 0))
        this.violate(`${name}:${offset} is said to have been trimmed, and no retention took it`);
      for (const id of record.tickIds) this.unread.add(id);
      return;
    }
    if (record.isDamaged) {
      const prefix = `${name}:${offset}:`;
      if (![...this.quarantineIds].some((id) => id.startsWith(prefix)))
        this.violate(`${name}:${offset} can't be decoded and is not in the quarantine`);
      for (const id of record.tickIds) this.unread.add(id);
      return;
    }
    for (const id of record.tickIds) {
      if (this.stored.has(id) || this.refused.has(id) || this.unplaceable.has(id)) continue;
      const tick = tickName(this.sent.tick(id)!);
      this.violate(`${name} is committed over offset ${offset}, whose ${tick} is neither stored nor refused`);
    }
    for (const id of record.rejections)
      if (!this.quarantineIds.has(id)) this.violate(`${id} is committed over and not in the quarantine`);
  }
}
