/** What adapters need to keep their ports' promises within one process; no part of the ports themselves. */
export * from './arrivals.ts';
export * from './assign-evenly.ts';
export * from './declarable.ts';
export * from './group-coordinator.ts';
export * from './state-moves.ts';
