import { marketFeedContract } from '@k2/testing/contracts';
import { SimulatorFeed } from './feed.ts';
import { simulatorConfig, type SimulatorConfig } from './options.ts';
import { Simulation } from './simulation.ts';
import { TestTime } from './test-support/test-time.ts';

const START_US = 1_767_600_000_000_000;
const FAULTS = { gaps: 0.01, duplicates: 0.01, late: 0.01, lateMs: 20, reorder: 0.01, resets: 0.001, crossed: 0.01 };

describeFinite('simulator, finite, at max', { rate: 'max' });
describeFinite('simulator, finite, paced', { rate: 50_000 });
describeFinite('simulator, finite, with faults', { rate: 'max', ...FAULTS });

for (const rate of [5_000, 'max'] as const) {
  marketFeedContract(`simulator, endless, rate ${rate}`, {
    create: () => ({ feed: feedOf({ rate }) }),
    capabilities: { finite: false },
  });
}

function describeFinite(name: string, given: Partial<SimulatorConfig>): void {
  const config = { ...given, ticks: 20_000, instruments: 20, start: START_US, rows: 1_000 };
  marketFeedContract(name, {
    create: () => {
      const simulation = new Simulation(simulatorConfig(config), START_US);
      while (!simulation.isDone) {
        simulation.advance(Number.POSITIVE_INFINITY, 1_000, null);
        simulation.takeBatches();
      }
      simulation.finish();
      const { sentTicks, distinctTicks } = simulation.ledger;
      return { feed: feedOf(config), expected: { ticks: sentTicks, distinctTicks, rejections: 0 } };
    },
    capabilities: { finite: true },
  });
}

function feedOf(config: Partial<SimulatorConfig>): SimulatorFeed {
  const time = new TestTime();
  return new SimulatorFeed(config, { clock: time, scheduler: time });
}
