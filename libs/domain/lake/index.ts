export * from './audit-columns.ts';
export * from './audit-records.ts';
export * from './compaction-choice.ts';
export * from './completeness.ts';
export * from './fnv1a64.ts';
export * from './quarantine-id.ts';
export * from './scan-waves.ts';
export * from './snapshot-retention.ts';
