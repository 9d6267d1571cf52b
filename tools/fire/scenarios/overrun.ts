import { setTimeout as sleep } from 'node:timers/promises';
import { openPlatform, readSettings } from '@k2/composition';
import { compareWithTape } from '../../crash/compare.ts';
import { runTape } from '../../crash/run-tape.ts';
import { byHand } from '../../world/kafka-by-hand.ts';
import type { Scenario } from '../outcome.ts';
import { World } from '../../world/world.ts';

const TOPIC = 'market.equities.trades.simx';
const AHEAD_MS = 4_000;

/** Kafka drops records before a sink has taken them: what is gone is on the record, and everything else is there. */
export const overrun: Scenario = {
  name: 'overrun',
  description: 'retention takes records before the sink does: reported as lost offsets and as gaps, never silent',
  kills: 1,
  async run(options) {
    const world = await World.start();
    try {
      const tape = runTape(options.seed, 0, options.rate);
      const ingest = world.launch('ingest', 'ingest', ['--feed', tape.spec]);
      await ingest.ready();
      await sleep(AHEAD_MS);
      const trimmed = await byHand(world, async ({ admin }) => {
        const offsets = await admin.fetchTopicOffsets(TOPIC);
        const partitions = offsets.map(({ partition, high }) => ({
          partition,
          offset: String(Math.floor(Number(high) / 2)),
        }));
        await admin.deleteTopicRecords({ topic: TOPIC, partitions });
        return partitions.filter(({ offset }) => Number(offset) > 0).length;
      });
      const sink = world.launch('sink', 'sink');
      await sink.ready();
      const recoveriesMs = [await world.untilNextCommit()];
      const acknowledged = (await ingest.stats())?.feeds[0].acknowledgedTicks ?? 0;
      await ingest.stop();
      await world.drained(sink);
      await sink.stop();
      const settings = readSettings({ feeds: 'none', role: 'api', logLevel: 'error' }, world.env);
      // Lost are those that a later tick of their series shows to be missing: nobody can know of others.
      const verdict = await compareWithTape(settings, [{ tape, atLeast: 0 }]);
      const { lostOffsets, missing } = await recordedLosses(settings);
      const violations: string[] = [];
      if (verdict.duplicated > 0 || verdict.foreign > 0) violations.push(...verdict.violations);
      if (lostOffsets !== trimmed)
        violations.push(`${trimmed} partitions were trimmed, ${lostOffsets} are on the record`);
      if (verdict.lost === 0) violations.push('nothing was lost: the scenario did not do what it is for');
      if (missing < verdict.lost) violations.push(`${verdict.lost} ticks are lost, the gap ledger knows of ${missing}`);
      const notes = [
        `${verdict.lost} ticks lost by retention, ${missing} in the gap ledger, ${lostOffsets} partitions on the record`,
      ];
      const reported = { ...verdict, acknowledged, lost: 0, violations };
      return { scenario: this.name, kills: trimmed, verdict: reported, recoveriesMs, notes };
    } finally {
      await world.close();
    }
  },
};

async function recordedLosses(settings: ReturnType<typeof readSettings>) {
  const opened = await openPlatform(settings, { access: 'read' });
  try {
    const { store, engine } = opened.platform.ports;
    const tables = ['audit.quarantine', 'audit.sequence_gaps'] as const;
    const plans = await Promise.all(tables.map((table) => store.plan({ table, asOf: { kind: 'latest' } })));
    const one = async (sql: string) => {
      const answer = await engine.ask({ kind: 'sql', sql, limit: 10 }, plans, { timeoutMs: 60_000 });
      for await (const { columns } of answer.batches)
        return Number((columns[0] as { values: ArrayLike<number | bigint> }).values[0]);
      return 0;
    };
    return {
      lostOffsets: await one(`select count(*) from quarantine where reason = 'log-trimmed'`),
      missing: await one(
        `select coalesce(sum((sequence_to - sequence_from + 1) * case when status = 'open' then 1 else -1 end), 0)::bigint from sequence_gaps`,
      ),
    };
  } finally {
    await opened.close();
  }
}
