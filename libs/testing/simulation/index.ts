export * from './drawn-world.ts';
export * from './record-world.ts';
export * from './seeded-chance.ts';
export * from './simulated-process.ts';
export * from './sink-world.ts';
export * from './trace.ts';
export * from './world-report.ts';
