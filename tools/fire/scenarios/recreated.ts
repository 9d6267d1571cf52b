import { setTimeout as sleep } from 'node:timers/promises';
import { byHand } from '../../world/kafka-by-hand.ts';
import type { Scenario } from '../outcome.ts';
import { Recording } from '../recording.ts';
import { World } from '../../world/world.ts';

const TOPIC = 'market.equities.trades.simx';
const NOTICED_MS_MAX = 60_000;
const SEEN_TO_LIVE_MS = 5_000;

/** A topic is deleted and made again under its name: offsets start anew, and nothing of it may be taken for committed. */
export const recreated: Scenario = {
  name: 'recreated',
  description: 'a topic deleted and created again: paused by its id, with a clear error, while the sink goes on',
  kills: 1,
  async run(options) {
    const world = await World.start();
    try {
      const recording = await Recording.start(world, options);
      const verdict = await recording.verdict();
      const violations = [...verdict.violations];
      const partitions = (
        await world.query<{ count: string }>(`SELECT count(*) FROM k2_progress WHERE topic = '${TOPIC}'`)
      )[0].count;
      await byHand(world, async ({ admin }) => {
        await admin.deleteTopics({ topics: [TOPIC] });
        for (let tries = 0; ; tries++) {
          const isCreated = await admin
            .createTopics({ topics: [{ topic: TOPIC, numPartitions: Number(partitions), replicationFactor: 1 }] })
            .catch(() => false);
          if (isCreated) break;
          if (tries > 600) throw new Error(`${TOPIC} could not be created again`);
          await sleep(100);
        }
      });
      const before = await world.committedOffsets();
      const sink = world.launch('sink', 'sink');
      const startMs = performance.now();
      while (!/recreated/.test(sink.printed) && performance.now() - startMs < NOTICED_MS_MAX) await sleep(100);
      if (!/recreated/.test(sink.printed)) violations.push('the sink did not say that the topic was recreated');
      // The topic's partitions are paused; the sink goes on with the others.
      await sleep(SEEN_TO_LIVE_MS);
      if (!sink.isAlive) violations.push('a recreated topic ended the sink');
      if ((await world.committedOffsets()) !== before) violations.push('progress was moved on a recreated topic');
      const said = /"error":"([^"]*recreated[^"]*)"|k2: (.*recreated.*)/.exec(sink.printed);
      options.say(`the sink pauses what was recreated: ${said?.[1] ?? said?.[2] ?? ''}`);
      return { scenario: this.name, kills: 1, verdict: { ...verdict, violations }, recoveriesMs: [], notes: [] };
    } finally {
      await world.close();
    }
  },
};
