import {
  PortError,
  type AssignmentListener,
  type Clock,
  type CommitReceipt,
  type Counter,
  type Membership,
  type ProgressChange,
  type Scheduler,
  type StagedRows,
  type Telemetry,
  type TickLog,
  type TickStore,
} from '@k2/ports';
import type { Faults } from './drawn-world.ts';
import type { SeededChance } from './seeded-chance.ts';
import type { Trace } from './trace.ts';

/** What all processes of a world share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly sessionTimeoutMs: number;
  readonly trace: Trace;
  /** By counter, of all processes. */
  readonly counts: Map<string, number>;
}

/** A membership, and what the group does with it. */
interface Member {
  readonly membership: Membership;
  readonly expulsion: PromiseWithResolvers<void>;
  isExpelled: boolean;
}

/**
 * A process of the simulated world: its calls take time and fail by chance, and it can crash (nothing of it goes on) or
 * freeze (its calls stop until it thaws). The group takes it for dead a session time-out later.
 */
export class SimulatedProcess {
  readonly name: string;
  readonly clock: Clock;
  /** How often it left its group, for whatever reason of its own. */
  leaves = 0;
  private readonly chance: SeededChance;
  private readonly surroundings: Surroundings;
  private readonly members = new Set<Member>();
  private readonly appends = new Map<string, Promise<void>>();
  /** Hand-overs that it has not answered yet: until then it has no partitions to look after. */
  private handOvers = 0;
  private crashed = false;
  private thawed: PromiseWithResolvers<void> | null = null;

  constructor(name: string, chance: SeededChance, surroundings: Surroundings, clockSkewUs = 0) {
    this.name = name;
    this.chance = chance;
    this.surroundings = surroundings;
    const { clock } = surroundings;
    this.clock = { nowUs: () => clock.nowUs() + clockSkewUs, monotonicUs: () => clock.monotonicUs() };
  }

  get isGone(): boolean {
    return this.crashed || this.thawed !== null;
  }

  /** Nothing of the process goes on. */
  crash(): void {
    this.crashed = true;
    this.surroundings.trace.step(this.name, 'crashes');
    void this.timeOut();
  }

  /** Stops the process where it is. */
  freeze(): void {
    this.thawed = Promise.withResolvers();
    this.surroundings.trace.step(this.name, 'freezes');
    void this.timeOut();
  }

  thaw(): void {
    if (this.thawed === null) return;
    this.surroundings.trace.step(this.name, 'goes on');
    const { resolve } = this.thawed;
    this.thawed = null;
    resolve();
  }

  log(log: TickLog): TickLog {
    return {
      declareTopic: (spec) => this.call('declare', () => log.declareTopic(spec)),
      topics: () => this.lookUp('topics', () => log.topics()),
      append: (topic, payload) => this.append(topic, () => log.append(topic, payload)),
      read: (request, signal) => this.call('read', () => log.read(request, signal)),
      offsets: (topics) => this.lookUp('offsets', () => log.offsets(topics)),
      trim: (positions) => this.call('trim', () => log.trim(positions), { failBefore: this.failMinor }),
      join: (group, topics, listener) => this.join(log, group, topics, listener),
      close: () => log.close(),
    };
  }

  store(store: TickStore): TickStore {
    return {
      ensureTables: (schemas) => this.call('ensure', () => store.ensureTables(schemas)),
      claim: (writer, partitions) => this.call('claim', () => store.claim(writer, partitions)),
      progress: () => this.call('progress', () => store.progress()),
      state: (keys) => this.call('state', () => store.state(keys)),
      stage: (rows) => this.call('stage', () => store.stage(rows)),
      commit: (staged, progress, stop) => this.commit(store, staged, progress, stop),
      discard: (staged) => this.call('discard', () => store.discard(staged), { failBefore: this.failMinor }),
      snapshots: (table, limit) => this.call('snapshots', () => store.snapshots(table, limit)),
      plan: (request) => this.call('plan', () => store.plan(request)),
      stats: () => this.call('stats', () => store.stats()),
      evolve: (table, changes) => this.call('evolve', () => store.evolve(table, changes)),
      close: () => store.close(),
    };
  }

  /** What the process warns of is part of the trace, and what it counts is counted for the world. */
  telemetry(telemetry: Telemetry): Telemetry {
    const { counts } = this.surroundings;
    return {
      counter: (name, description) => {
        const counter = telemetry.counter(name, description);
        const add: Counter['add'] = (value, attributes) => {
          counts.set(name, (counts.get(name) ?? 0) + value);
          counter.add(value, attributes);
        };
        return { add };
      },
      histogram: (name, description, unit) => telemetry.histogram(name, description, unit),
      gauge: (name, description, read) => telemetry.gauge(name, description, read),
      log: (level, message, fields = {}) => {
        telemetry.log(level, message, fields);
        if (level !== 'warn' && level !== 'error') return;
        const said = Object.entries(fields).map(([name, value]) => ` ${name}=${String(value).split('\n')[0]}`);
        this.surroundings.trace.step(this.name, `${level}: ${message}${said.join('')}`);
      },
    };
  }

  /** Time passes for the process: it stands still while it is frozen, and for ever once it crashed. */
  async pause(ms: number): Promise<void> {
    await this.surroundings.scheduler.sleep(ms);
    while (this.thawed !== null) await this.thawed.promise;
    if (this.crashed) await new Promise<never>(() => {});
  }

  private get failMinor(): number {
    const { failBefore, failMinor } = this.surroundings.faults;
    return Math.max(failBefore, failMinor);
  }

  /** A call and its reply, each of which takes time, and either of which a crash can cut off. */
  private async call<Result>(
    what: string,
    effect: () => Promise<Result>,
    { failBefore = this.surroundings.faults.failBefore, loseReply = 0 } = {},
  ): Promise<Result> {
    const { trace } = this.surroundings;
    await this.travel();
    if (this.chance.happens(failBefore)) {
      trace.step(this.name, `${what}: fails`);
      throw unavailable(`${what} failed before it had any effect`);
    }
    let result: Result;
    try {
      result = await effect();
    } catch (error) {
      trace.step(this.name, `${what}: ${(error as Error).message}`);
      await this.travel();
      throw error;
    }
    trace.step(this.name, what);
    await this.travel();
    if (this.chance.happens(loseReply)) {
      trace.step(this.name, `${what}: its reply is lost`);
      throw unavailable(`${what} got no reply`);
    }
    return result;
  }

  /** Looking for new topics and for what is left to do may fail without anything coming of it; claiming may not. */
  private lookUp<Result>(what: string, effect: () => Promise<Result>): Promise<Result> {
    return this.call(what, effect, this.handOvers > 0 ? {} : { failBefore: this.failMinor });
  }

  /** Appends of one process to one topic take effect in the order in which they were called. */
  private async append<Result>(topic: string, effect: () => Promise<Result>): Promise<Result> {
    const before = this.appends.get(topic);
    const { promise, resolve: decided } = Promise.withResolvers<void>();
    this.appends.set(topic, promise);
    const inOrder = async () => {
      await before;
      return effect().finally(decided);
    };
    return this.call('append', inOrder, { loseReply: this.surroundings.faults.loseReply }).finally(decided);
  }

  /** As every store does, takes a commit that is repeated for the one that landed. */
  private async commit(
    store: TickStore,
    staged: StagedRows,
    change: ProgressChange,
    stop?: AbortSignal,
  ): Promise<CommitReceipt> {
    const { faults, scheduler, trace } = this.surroundings;
    if (this.chance.happens(faults.landLate)) {
      await this.travel();
      void scheduler
        .sleep(this.chance.below(200))
        .then(() => store.commit(staged, change))
        .then(
          () => trace.step(this.name, 'commit: lands late'),
          (error: Error) => trace.step(this.name, `commit: does not land late: ${error.message}`),
        );
      await this.travel();
      trace.step(this.name, 'commit: no reply yet');
      throw unavailable('commit got no reply');
    }
    return this.call('commit', () => store.commit(staged, change, stop), { loseReply: faults.loseReply });
  }

  private travel(): Promise<void> {
    return this.pause(this.chance.below(this.surroundings.faults.latencyMsMax + 1));
  }

  private async join(
    log: TickLog,
    group: string,
    topics: readonly string[],
    listener: AssignmentListener,
  ): Promise<Membership> {
    await this.travel();
    const expulsion = Promise.withResolvers<void>();
    const state = { isExpelled: false };
    const heard = async (what: string, hear: () => Promise<void>) => {
      const handOver = async () => {
        // What it is told of while it is frozen it hears of when it goes on, if it is still a member then.
        await this.pause(0);
        if (state.isExpelled) return;
        this.surroundings.trace.step(this.name, what);
        this.handOvers++;
        await hear().finally(() => this.handOvers--);
      };
      await Promise.race([handOver(), expulsion.promise]);
    };
    const membership = await log.join(group, topics, {
      assigned: (partitions) => heard(`assigned ${namesOf(partitions)}`, () => listener.assigned(partitions)),
      revoked: (partitions) => heard(`revoked ${namesOf(partitions)}`, () => listener.revoked(partitions)),
    });
    const member: Member = Object.assign(state, { membership, expulsion });
    this.members.add(member);
    this.surroundings.trace.step(this.name, 'joins');
    if (this.isGone) void this.timeOut();
    return {
      subscribe: async (wanted) => {
        await this.travel();
        if (!member.isExpelled) await membership.subscribe(wanted);
      },
      leave: async () => {
        await this.travel();
        this.leaves++;
        this.surroundings.trace.step(this.name, 'leaves');
        if (!member.isExpelled) await membership.leave();
        // Not before: the group waits for one that dies while it leaves until its session times out.
        this.members.delete(member);
      },
    };
  }

  /** What a session time-out does: the member is out, and hears nothing of it. */
  private async timeOut(): Promise<void> {
    await this.surroundings.scheduler.sleep(this.surroundings.sessionTimeoutMs);
    if (!this.isGone) return;
    for (const member of this.members) {
      member.isExpelled = true;
      member.expulsion.resolve();
      void member.membership.leave();
    }
    this.members.clear();
  }
}

function namesOf(partitions: readonly { readonly topic: string; readonly partition: number }[]): string {
  return partitions.map(({ topic, partition }) => `${topic}/${partition}`).join(' ');
}

function unavailable(what: string): PortError<'unavailable'> {
  return new PortError('unavailable', `the simulated world: ${what}`, {}, { retryable: true });
}
