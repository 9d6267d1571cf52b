import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Telemetry } from '@k2/ports';

export interface TelemetryHarness {
  readonly telemetry: Telemetry;
  close(): Promise<void>;
}

/** Telemetry is never the reason why anything else fails. */
export function telemetryContract(name: string, { create }: { create(): Promise<TelemetryHarness> }): void {
  describe(`Telemetry: ${name}`, () => {
    let harness: TelemetryHarness;
    beforeEach(async () => {
      harness = await create();
    });
    afterEach(() => harness.close());

    it('1 takes any value, name and attributes without throwing', () => {
      const { telemetry } = harness;
      const values = [0, 1.5, -1, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER];
      const names = ['k2_contract_rows', '', 'Not A Name', 'k2_é_rows', 'k2_x', 'x'.repeat(1_000)];
      expect(() => {
        for (const metric of names) {
          for (const value of values) {
            telemetry.counter(`${metric}_total`, '').add(value, { venue: 'A"\\\n', partition: 3, ok: true });
            telemetry.histogram(metric, 'Rows.', 'rows').record(value);
          }
        }
      }).not.toThrow();
    });

    it('2 gives an instrument asked for again, and one of another kind under the same name, without throwing', () => {
      const { telemetry } = harness;
      expect(() => {
        telemetry.counter('k2_contract_rows_total', 'Rows.').add(1);
        telemetry.counter('k2_contract_rows_total', 'Rows.').add(1);
        telemetry.histogram('k2_contract_rows_total', 'Rows.', 'rows').record(1);
        telemetry.gauge('k2_contract_rows_total', 'Rows.', () => [[1, {}]]);
      }).not.toThrow();
    });

    it('3 takes log lines with fields that JSON cannot hold', () => {
      const cycle: Record<string, unknown> = {
        big: 1n,
        bytes: new Uint8Array(3),
        error: new Error('x', { cause: 'y' }),
      };
      cycle['self'] = cycle;
      const hostile = {
        get field(): string {
          throw new Error('this getter throws');
        },
      };
      expect(() => {
        harness.telemetry.log('info', 'cycle', cycle);
        harness.telemetry.log('warn', 'hostile', { hostile });
        harness.telemetry.log('error', 'long'.repeat(100_000), { long: 'x'.repeat(1_000_000), undefined: undefined });
      }).not.toThrow();
    });

    it('4 takes a gauge whose read throws', () => {
      expect(() =>
        harness.telemetry.gauge('k2_contract_lag_ms', 'Lag.', () => {
          throw new Error('cannot be read');
        }),
      ).not.toThrow();
    });
  });
}
