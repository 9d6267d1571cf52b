import type { CommitReceipt, PlannedRows, ProgressChange, StagedRows, TickStore } from '@k2/ports';
import { isStateAsRead } from '@k2/ports/in-process';
import { nameOf } from './simulated-log.ts';
import { POISON } from './tape.ts';
import type { Witness } from './witness.ts';

interface Staging {
  readonly rows: PlannedRows;
  /** The commit under way or done; a repeated one is taken for it. */
  landing: Promise<CommitReceipt> | null;
  hasLanded: boolean;
}

const decoder = new TextDecoder();

/** The store that all processes share, with a witness beside it. It breaks at poison, as a bug would have it. */
export class WitnessedStore implements TickStore {
  private readonly store: TickStore;
  private readonly witness: Witness;
  /** By topic partition: of the claim that holds. */
  private readonly epochs = new Map<string, number>();
  private readonly stagings = new Map<StagedRows, Staging>();

  constructor(store: TickStore, witness: Witness) {
    this.store = store;
    this.witness = witness;
  }

  async stage(rows: PlannedRows): Promise<StagedRows> {
    if (rows.ticks.some(({ batch }) => hasPoison(batch))) throw new TypeError('the simulated store breaks at poison');
    const staged = await this.store.stage(rows);
    this.stagings.set(staged, { rows, landing: null, hasLanded: false });
    return staged;
  }

  async commit(staged: StagedRows, change: ProgressChange, stop?: AbortSignal): Promise<CommitReceipt> {
    const staging = this.stagings.get(staged);
    if (staging === undefined) {
      if (await this.couldLand(change))
        this.witness.violate('rows were discarded whose commit could still take effect');
      throw new TypeError('the rows were discarded');
    }
    staging.landing ??= this.land(staged, staging, change, stop);
    return staging.landing;
  }

  async discard(staged: StagedRows): Promise<void> {
    if (this.stagings.get(staged)?.hasLanded) this.witness.violate('rows that are in the tables were discarded');
    this.stagings.delete(staged);
    await this.store.discard(staged);
  }

  async claim(...[writer, partitions]: Parameters<TickStore['claim']>): ReturnType<TickStore['claim']> {
    const claims = await this.store.claim(writer, partitions);
    for (const claim of claims) this.epochs.set(nameOf(claim), claim.epoch);
    return claims;
  }

  ensureTables: TickStore['ensureTables'] = (schemas) => this.store.ensureTables(schemas);
  progress: TickStore['progress'] = () => this.store.progress();
  state: TickStore['state'] = (keys) => this.store.state(keys);
  snapshots: TickStore['snapshots'] = (table, limit) => this.store.snapshots(table, limit);
  plan: TickStore['plan'] = (request) => this.store.plan(request);
  stats: TickStore['stats'] = () => this.store.stats();
  evolve: TickStore['evolve'] = (table, changes) => this.store.evolve(table, changes);
  close: TickStore['close'] = () => this.store.close();

  private async couldLand({ partitions, state }: ProgressChange): Promise<boolean> {
    const doClaimsHold = partitions.every(({ claim }) => {
      const name = nameOf(claim);
      return this.epochs.get(name) === claim.epoch && (this.witness.progress.get(name) ?? 0) === claim.nextOffset;
    });
    if (!doClaimsHold) return false;
    const stored = await this.store.state([...state.keys()]);
    // States only move forward: a commit that expects an older one can never land.
    return [...state].every(([key, move]) => isStateAsRead(move, stored.get(key)));
  }

  private async land(
    staged: StagedRows,
    staging: Staging,
    change: ProgressChange,
    stop: AbortSignal | undefined,
  ): Promise<CommitReceipt> {
    const ended = change.partitions.filter(({ claim }) => this.epochs.get(nameOf(claim)) !== claim.epoch);
    try {
      const receipt = await this.store.commit(staged, change, stop);
      for (const { claim } of ended) this.witness.violate(`${nameOf(claim)} is committed by one who had lost it`);
      staging.hasLanded = true;
      this.witness.landed(staging.rows, change, receipt);
      return receipt;
    } catch (error) {
      staging.landing = null;
      throw error;
    }
  }
}

function hasPoison(batch: PlannedRows['ticks'][number]['batch']): boolean {
  const ids = batch.recordType === 'trades' ? batch.tradeId : batch.quoteId;
  return ids.bytes.length > 0 && decoder.decode(ids.bytes).includes(POISON);
}
