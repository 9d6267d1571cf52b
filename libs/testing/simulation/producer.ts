import type { FeedEvent, MarketFeed } from '@k2/ports';
import { RECORD_OPTIONS, RecordFeed } from '@k2/usecases';
import type { DrawnWorld } from './drawn-world.ts';
import { SeededChance } from './seeded-chance.ts';
import { SimulatedProcess } from './simulated-process.ts';
import type { Shared } from './sink-slot.ts';
import type { Tape } from './tape.ts';

/** Records one tape into the log; where its process dies, another goes on with what was not acknowledged. */
export class Producer {
  private readonly tape: Tape;
  private readonly world: DrawnWorld;
  private readonly shared: Shared;
  private readonly chance: SeededChance;
  private process: SimulatedProcess;
  private starts = 0;
  private isEnding = false;
  /** True once everything that was sent is acknowledged. */
  isDone = false;

  constructor(tape: Tape, world: DrawnWorld, shared: Shared) {
    this.tape = tape;
    this.world = world;
    this.shared = shared;
    this.chance = SeededChance.named(world.seed, `producer of ${tape.topic.name}`);
    this.process = this.start();
  }

  crash(): void {
    this.process.crash();
    this.process = this.start();
  }

  /** No event comes after those that were made. */
  end(): void {
    this.isEnding = true;
  }

  private start(): SimulatedProcess {
    const { shared, world, chance, tape } = this;
    const process = new SimulatedProcess(`feed ${tape.topic.name}.${this.starts++}`, chance, shared);
    const { scheduler, telemetry } = shared;
    const options = {
      ...RECORD_OPTIONS,
      appendsInFlightMax: world.appendsInFlightMax,
      topicSpecOf: (name: string) => specOf(world, name),
      retryDelayMs: chance.limit(1, 20),
      retryDelayMsMax: 100,
    };
    const ports = {
      log: process.log(shared.log),
      dedup: null,
      clock: process.clock,
      scheduler,
      telemetry: process.telemetry(telemetry),
    };
    const recorder = new RecordFeed(this.feed(process), ports, options, (event) => {
      if (!process.isGone) tape.acknowledge(event);
    });
    recorder.run(new AbortController().signal).then(
      () => (this.isDone ||= process === this.process),
      (error: Error) => shared.violate(`${process.name} ended while its process lives: ${error.message}`),
    );
    return process;
  }

  private feed(process: SimulatedProcess): MarketFeed {
    const { tape, world, chance } = this;
    const events = async function* (isOver: (at: number) => boolean): AsyncGenerator<FeedEvent> {
      for (let at = tape.firstUnacknowledged; !isOver(at); at++) {
        await process.pause(chance.below(world.feedPauseMsMax + 1));
        yield tape.event(at);
      }
    };
    return {
      name: tape.topic.name,
      venues: [],
      open: () => events((at) => this.isEnding && at >= tape.length),
    };
  }
}

function specOf({ topics }: DrawnWorld, name: string) {
  const topic = topics.find((of) => of.name === name);
  return topic === undefined
    ? { name, partitions: 1, framing: 'block' as const }
    : { name, partitions: topic.partitions, framing: topic.framing };
}
