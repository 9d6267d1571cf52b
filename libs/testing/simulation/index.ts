export * from './seeded-chance.ts';
export * from './simulated-process.ts';
export * from './sink-world.ts';
