import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../outcome.ts';
import { Recording } from '../recording.ts';
import { World } from '../../world/world.ts';

/** Longer than the session of a group member. */
const FROZEN_MS = 6_000;
/** On a slow machine the group takes longer to notice. */
const TAKEN_OVER_MS_MAX = 60_000;

/** A sink is frozen until another has taken its partitions over, and then goes on as if nothing had been. */
export const zombie: Scenario = {
  name: 'zombie',
  description: 'SIGSTOP of a sink for longer than its session, then SIGCONT',
  kills: 3,
  async run(options) {
    const world = await World.start();
    try {
      const recording = await Recording.start(world, options);
      const recoveriesMs: number[] = [];
      const violations: string[] = [];
      for (let freeze = 1; freeze <= options.kills; freeze++) {
        const sink = recording.sinks[freeze % 2];
        const epochs = await epochsOf(world);
        sink.signal('SIGSTOP');
        await sleep(FROZEN_MS);
        const raised = await takenOver(world, epochs);
        if (raised === 0) violations.push(`freeze ${freeze}: no partition was taken over from the frozen sink`);
        sink.signal('SIGCONT');
        recoveriesMs.push(await world.untilNextCommit());
        options.say(`freeze ${freeze} of ${options.kills}: ${raised} partitions were taken over`);
      }
      const warnings = recording.sinks.flatMap((sink) => sink.warnings);
      const fenced = warnings.filter((line) => /was ended by epoch/.test(line)).length;
      const putOut = warnings.filter((line) => /put out of the group/.test(line)).length;
      const verdict = await recording.verdict();
      const all = [...verdict.violations, ...violations];
      const notes = [`put out of the group ${putOut} times, commits of zombies refused ${fenced} times`];
      return {
        scenario: this.name,
        kills: options.kills,
        verdict: { ...verdict, violations: all },
        recoveriesMs,
        notes,
      };
    } finally {
      await world.close();
    }
  },
};

/** Waits until partitions have been claimed since; returns how many. */
async function takenOver(world: World, since: readonly number[]): Promise<number> {
  const untilMs = performance.now() + TAKEN_OVER_MS_MAX;
  for (;;) {
    const raised = (await epochsOf(world)).filter((epoch, index) => epoch > (since[index] ?? 0)).length;
    if (raised > 0 || performance.now() > untilMs) return raised;
    await sleep(100);
  }
}

async function epochsOf(world: World): Promise<number[]> {
  const rows = await world.query<{ epoch: string }>('SELECT epoch FROM k2_progress ORDER BY topic, partition');
  return rows.map(({ epoch }) => Number(epoch));
}
