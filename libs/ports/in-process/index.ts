/** What every TickLog within one process needs to keep the port's promises; no part of the port itself. */
export * from './arrivals.ts';
export * from './group-coordinator.ts';
