import {
  PortError,
  type AssignmentListener,
  type Membership,
  type Scheduler,
  type TickLog,
  type TickStore,
} from '@k2/ports';
import type { SeededChance } from './seeded-chance.ts';

/** How the world treats the calls of a process. Drawn for each seed, so that seeds differ in kind, not only in luck. */
export interface Faults {
  /** A call fails before it has any effect. */
  failBefore: number;
  /** An append takes effect, and its acknowledgement is lost. */
  loseAcknowledgement: number;
  latencyMsMax: number;
}

/**
 * A process of the simulated world: its calls take time and fail by chance, and it can crash (nothing of it goes on) or
 * freeze (its calls stop until it thaws, while the others take it for dead).
 */
export class SimulatedProcess {
  private readonly chance: SeededChance;
  private readonly scheduler: Scheduler;
  private readonly faults: Faults;
  private readonly memberships = new Set<Membership>();
  private crashed = false;
  /** Resolves for those who wait on this process when it crashes or freezes. */
  private vanishing: () => void = () => {};
  private vanished = new Promise<void>((resolve) => (this.vanishing = resolve));
  private thawed: Promise<void> | null = null;
  private thawing: () => void = () => {};

  constructor(chance: SeededChance, scheduler: Scheduler, faults: Faults) {
    this.chance = chance;
    this.scheduler = scheduler;
    this.faults = faults;
  }

  get isGone(): boolean {
    return this.crashed || this.thawed !== null;
  }

  /** Nothing of the process goes on; the group notices in its own time. */
  crash(): void {
    this.crashed = true;
    this.vanish();
  }

  /** Stops the process where it is; the group gives its partitions to others. */
  freeze(): void {
    this.thawed = new Promise((resolve) => (this.thawing = resolve));
    this.vanish();
  }

  thaw(): void {
    this.thawed = null;
    this.thawing();
  }

  log(log: TickLog): TickLog {
    return {
      declareTopic: (spec) => this.call(() => log.declareTopic(spec)),
      topics: () => this.call(() => log.topics()),
      append: (topic, payload) => this.call(() => log.append(topic, payload), this.faults.loseAcknowledgement),
      read: (request, signal) => this.call(() => log.read(request, signal)),
      offsets: (topics) => this.call(() => log.offsets(topics)),
      trim: (positions) => this.call(() => log.trim(positions)),
      join: (group, topics, listener) => this.join(log, group, topics, listener),
      close: () => log.close(),
    };
  }

  store(store: TickStore): TickStore {
    return {
      ensureTables: (schemas) => this.call(() => store.ensureTables(schemas)),
      claim: (writer, partitions) => this.call(() => store.claim(writer, partitions)),
      progress: () => this.call(() => store.progress()),
      state: (keys) => this.call(() => store.state(keys)),
      stage: (rows) => this.call(() => store.stage(rows)),
      commit: (staged, progress) => this.call(() => store.commit(staged, progress)),
      discard: (staged) => this.call(() => store.discard(staged)),
      snapshots: (table, limit) => this.call(() => store.snapshots(table, limit)),
      plan: (request) => this.call(() => store.plan(request)),
      stats: () => this.call(() => store.stats()),
      evolve: (table, changes) => this.call(() => store.evolve(table, changes)),
      close: () => store.close(),
    };
  }

  /** A call and its reply, each of which takes time, and either of which a crash can cut off. */
  private async call<Result>(effect: () => Promise<Result>, loseReply = 0): Promise<Result> {
    await this.travel();
    if (this.chance.happens(this.faults.failBefore)) throw unavailable('before it had any effect');
    const result = await effect();
    await this.travel();
    if (this.chance.happens(loseReply)) throw unavailable('after it took effect');
    return result;
  }

  private async travel(): Promise<void> {
    await this.scheduler.sleep(this.chance.below(this.faults.latencyMsMax + 1));
    while (this.thawed !== null) await this.thawed;
    if (this.crashed) await new Promise<never>(() => {});
  }

  private async join(
    log: TickLog,
    group: string,
    topics: readonly string[],
    listener: AssignmentListener,
  ): Promise<Membership> {
    let expelled = false;
    const membership = await log.join(group, topics, {
      assigned: async (partitions) => {
        if (!this.isGone && !expelled) await Promise.race([listener.assigned(partitions), this.vanished]);
      },
      revoked: async (partitions) => {
        if (!this.isGone && !expelled) await Promise.race([listener.revoked(partitions), this.vanished]);
      },
    });
    const subscribe = async (wanted: readonly string[]) => {
      await this.travel();
      if (!expelled) await membership.subscribe(wanted);
    };
    const tracked: Membership = {
      subscribe,
      leave: async () => {
        if (expelled) return;
        this.memberships.delete(tracked);
        await membership.leave();
      },
    };
    // What a session time-out does: the member is out, and hears nothing of it.
    const expel: Membership = {
      subscribe,
      leave: async () => {
        expelled = true;
        await membership.leave();
      },
    };
    this.memberships.add(expel);
    if (this.isGone) this.vanish();
    return tracked;
  }

  private vanish(): void {
    this.vanishing();
    this.vanished = new Promise((resolve) => (this.vanishing = resolve));
    for (const membership of this.memberships) void membership.leave();
    this.memberships.clear();
  }
}

function unavailable(when: string): PortError<'unavailable'> {
  return new PortError('unavailable', `the simulated world failed the call ${when}`, {}, { retryable: true });
}
