import { openPlatform, readSettings } from '@k2/composition';
import { answerValue } from '@k2/usecases';
import { byHand } from '../../world/kafka-by-hand.ts';
import type { Scenario } from '../outcome.ts';
import { Recording } from '../recording.ts';
import { World } from '../../world/world.ts';

const TOPIC = 'market.equities.trades.simx';

/** Messages that no K2 has written stand between the ticks. */
export const poison: Scenario = {
  name: 'poison',
  description: 'bad magic, an unknown schema id, truncated Avro and nothing at all: quarantined with bytes and place',
  kills: 4,
  async run(options) {
    const world = await World.start();
    try {
      const recording = await Recording.start(world, options);
      const sent = await byHand(world, async ({ admin, producer }) => {
        const poisons = await poisonsFor(world);
        const answers = [];
        for (const value of poisons) {
          const [{ baseOffset }] = await producer.send({ topic: TOPIC, messages: [{ value, partition: 0 }], acks: -1 });
          answers.push({ value, offset: Number(baseOffset) });
        }
        await admin.fetchTopicOffsets(TOPIC);
        return answers;
      });
      const recoveriesMs = [await world.untilNextCommit()];
      const verdict = await recording.verdict();
      const quarantined = await quarantinedOf(world);
      const violations = sent.flatMap(({ value, offset }) => {
        const found = quarantined.filter((row) => row.offset === offset);
        if (found.length !== 1) return [`offset ${offset}: quarantined ${found.length} times`];
        const raw = (value ?? Buffer.alloc(0)).toString('hex');
        return found[0].raw === raw ? [] : [`offset ${offset}: the bytes are ${found[0].raw}: expected ${raw}`];
      });
      options.say(quarantined.map(({ offset, detail }) => `${TOPIC}/0 offset ${offset}: ${detail}`).join('\n  '));
      const all = [...verdict.violations, ...violations];
      return {
        scenario: this.name,
        kills: sent.length,
        verdict: { ...verdict, violations: all },
        recoveriesMs,
        notes: [`${quarantined.length} of ${sent.length} poison messages are in the quarantine`],
      };
    } finally {
      await world.close();
    }
  },
};

/** The last ones begin with the id of a real schema. */
async function poisonsFor(world: World): Promise<readonly (Buffer | null)[]> {
  const response = await fetch(`${world.env['K2_SCHEMA_REGISTRY_URL']}/subjects/${TOPIC}-value/versions/latest`);
  const { id } = (await response.json()) as { id: number };
  const unknown = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3]);
  const truncated = Buffer.from([0, 0, 0, 0, 0, 0, 200, 1]);
  truncated.writeUInt32BE(id, 1);
  return [Buffer.from('not from here'), unknown, truncated, null];
}

async function quarantinedOf(world: World) {
  const settings = readSettings({ feeds: 'none', role: 'api', logLevel: 'error' }, world.env);
  const opened = await openPlatform(settings, { access: 'read' });
  try {
    const { store, engine } = opened.platform.ports;
    const plan = await store.plan({ table: 'audit.quarantine', asOf: { kind: 'latest' } });
    const sql = `select "position", hex(raw), detail from quarantine where source = '${TOPIC}/0' order by 1`;
    const answer = await engine.ask({ kind: 'sql', sql, limit: 100 }, [plan], { timeoutMs: 60_000 });
    const rows: { readonly offset: number; readonly raw: string; readonly detail: string }[] = [];
    for await (const batch of answer.batches) {
      for (let row = 0; row < batch.rowCount; row++) {
        const [offset, raw, detail] = answer.columns.map((column, at) => answerValue(column, batch, at, row));
        rows.push({ offset: Number(offset), raw: String(raw).toLowerCase(), detail: String(detail) });
      }
    }
    return rows;
  } finally {
    await opened.close();
  }
}
