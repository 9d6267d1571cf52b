import type { Telemetry, TickLog, TickStore } from '@k2/ports';
import { Sink } from '@k2/usecases';
import type { DrawnWorld } from './drawn-world.ts';
import { SeededChance } from './seeded-chance.ts';
import { SimulatedProcess, type Surroundings } from './simulated-process.ts';

/** What the processes of a world run on. */
export interface Shared extends Surroundings {
  readonly log: TickLog;
  readonly store: TickStore;
  readonly telemetry: Telemetry;
  violate(what: string): void;
}

interface RunningSink {
  readonly process: SimulatedProcess;
  readonly sink: Sink;
  readonly stop: AbortController;
  ending: 'running' | 'stopped' | 'failed';
}

/**
 * A place where a sink process runs. An operator starts another where a process died, was frozen or was stopped; one that
 * lives and whose sink ended nobody starts again: that is a violation.
 */
export class SinkSlot {
  private readonly number: number;
  private readonly world: DrawnWorld;
  private readonly shared: Shared;
  private readonly chance: SeededChance;
  private readonly alive = new Set<RunningSink>();
  private current: RunningSink;
  private starts = 0;
  private isOver = false;

  constructor(number: number, world: DrawnWorld, shared: Shared) {
    this.number = number;
    this.world = world;
    this.shared = shared;
    this.chance = SeededChance.named(world.seed, `sink ${number}`);
    this.current = this.start();
  }

  /** How often its sinks left their group although nobody had told them to stop. */
  get startOvers(): number {
    let leaves = 0;
    for (const { process, stop } of this.alive) if (!stop.signal.aborted) leaves += process.leaves;
    return leaves;
  }

  crash(): void {
    this.kill(this.current);
    this.current = this.start();
  }

  /** The frozen process goes on some time after another has taken its place, and may die later. */
  freeze(): void {
    const zombie = this.current;
    zombie.process.freeze();
    this.current = this.start();
    const { scheduler } = this.shared;
    void scheduler.sleep(this.chance.below(300)).then(async () => {
      zombie.process.thaw();
      await scheduler.sleep(this.chance.below(500));
      if (this.chance.happens(0.7)) this.kill(zombie);
    });
  }

  /** Another is started when it has handed over. */
  stop(): void {
    if (this.current.stop.signal.aborted) return;
    this.shared.trace.step(this.current.process.name, 'is told to stop');
    this.current.stop.abort();
  }

  /** The storm is over: nothing is frozen any more. */
  thaw(): void {
    for (const { process } of this.alive) process.thaw();
  }

  /** Tells all to stop, with none after them. */
  end(): void {
    this.isOver = true;
    for (const running of this.alive) running.stop.abort();
  }

  /** What is not as it has to be while nothing is wrong with the world. */
  *unwell(): Iterable<string> {
    for (const { process, sink, stop, ending } of this.alive) {
      const { state, error } = sink.status;
      if (stop.signal.aborted) {
        if (ending === 'running') yield `${process.name} was told to stop and has not`;
      } else if (state !== 'running') yield `${process.name} is ${state}: ${error}`;
    }
  }

  private kill(running: RunningSink): void {
    running.process.crash();
    this.alive.delete(running);
  }

  private start(): RunningSink {
    const { shared, chance } = this;
    const name = `sink-${this.number}.${this.starts++}`;
    const skewUs = (chance.next() - 0.5) * 2_000 * this.world.clockSkewMsMax;
    const process = new SimulatedProcess(name, chance, shared, Math.round(skewUs));
    const { scheduler, telemetry } = shared;
    const ports = {
      log: process.log(shared.log),
      store: process.store(shared.store),
      clock: process.clock,
      scheduler,
      random: SeededChance.named(this.world.seed, `retries of ${name}`),
      telemetry: process.telemetry(telemetry),
    };
    const sink = new Sink(ports, { ...this.world.sinkOptions(chance), writer: name });
    const running: RunningSink = { process, sink, stop: new AbortController(), ending: 'running' };
    this.alive.add(running);
    sink.run(running.stop.signal).then(
      () => this.ended(running),
      (error: Error) => {
        running.ending = 'failed';
        shared.violate(`${name} ended while its process lives: ${error.message}`);
      },
    );
    return running;
  }

  private ended(running: RunningSink): void {
    running.ending = 'stopped';
    this.shared.trace.step(running.process.name, 'has stopped');
    this.alive.delete(running);
    if (running === this.current && !this.isOver) this.current = this.start();
  }
}
