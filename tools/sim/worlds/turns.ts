import type { SeededChance } from '@k2/testing/simulation';

interface Waiter {
  readonly who: string;
  readonly go: () => void;
}

/**
 * Makes calls of several writers take turns by chance of the seed, although what they do between the calls takes real
 * time: none goes on before everyone at work waits for a turn.
 */
export class Turns {
  private readonly chance: SeededChance;
  private readonly waiting: Waiter[] = [];
  private readonly atWork = new Set<string>();

  constructor(chance: SeededChance) {
    this.chance = chance;
  }

  /** All of the work at once, each by its writer. */
  async together(works: ReadonlyMap<string, () => Promise<void>>): Promise<void> {
    for (const who of works.keys()) this.atWork.add(who);
    const done = async (who: string, work: () => Promise<void>) => {
      try {
        await work();
      } finally {
        this.atWork.delete(who);
        this.next();
      }
    };
    await Promise.all(Array.from(works, ([who, work]) => done(who, work)));
  }

  /** Resolves when it is the writer's turn; at once where nobody takes turns. */
  async turn(who: string): Promise<void> {
    if (!this.atWork.has(who)) return;
    await new Promise<void>((go) => {
      this.waiting.push({ who, go });
      this.next();
    });
  }

  private next(): void {
    const isBusy = [...this.atWork].some((who) => !this.waiting.some((waiter) => waiter.who === who));
    if (isBusy || this.waiting.length === 0) return;
    // By name: who came first is a matter of real time.
    const names = [...new Set(this.waiting.map(({ who }) => who))].sort();
    const who = this.chance.pick(names);
    const at = this.waiting.findIndex((waiter) => waiter.who === who);
    this.waiting.splice(at, 1)[0].go();
  }
}
