export * from './correlation.ts';
export * from './open-telemetry.ts';
export * from './silent-telemetry.ts';
