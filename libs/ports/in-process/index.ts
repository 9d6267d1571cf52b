/** What TickLogs need to keep the port's promises within one process; no part of the port itself. */
export * from './arrivals.ts';
export * from './assign-evenly.ts';
export * from './group-coordinator.ts';
