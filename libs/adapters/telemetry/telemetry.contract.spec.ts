import type { Clock } from '@k2/ports';
import { telemetryContract } from '@k2/testing/contracts';
import { OpenTelemetryTelemetry } from './open-telemetry.ts';
import { SilentTelemetry } from './silent-telemetry.ts';

const clock: Clock = { nowUs: () => 1_394_398_634_754_000, monotonicUs: () => 0 };

for (const logFormat of ['json', 'pretty'] as const) {
  telemetryContract(`OpenTelemetry, ${logFormat} log lines`, {
    create: async () => {
      const telemetry = new OpenTelemetryTelemetry({
        clock,
        logFormat,
        logLevel: 'debug',
        logSink: { write: () => undefined },
      });
      return { telemetry, close: () => telemetry.close() };
    },
  });
}

telemetryContract('silent', {
  create: async () => ({ telemetry: new SilentTelemetry(), close: async () => undefined }),
});
