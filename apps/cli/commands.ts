import type { Define } from './command.ts';

export interface CommandEntry {
  readonly name: string;
  /** Its line in the help of `k2`. */
  readonly summary: string;
  /** A command is loaded when it is the one that runs: none pays for what another needs. */
  readonly load: () => Promise<Define>;
}

/** In the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'up',
    summary: 'start the server: feeds, sink and API in one process',
    load: async () => (await import('./commands/up.ts')).defineUp,
  },
  {
    name: 'load',
    summary: 'load files into the lake',
    load: async () => (await import('./commands/load.ts')).defineLoad,
  },
  {
    name: 'trades',
    summary: 'trades by instrument and time',
    load: async () => (await import('./commands/ticks.ts')).defineTrades,
  },
  {
    name: 'quotes',
    summary: 'quotes by instrument and time',
    load: async () => (await import('./commands/ticks.ts')).defineQuotes,
  },
  {
    name: 'bars',
    summary: 'open, high, low, close, volume and VWAP of trades by window',
    load: async () => (await import('./commands/bars.ts')).defineBars,
  },
  {
    name: 'symbols',
    summary: 'instruments recorded, with counts and first and last time',
    load: async () => (await import('./commands/symbols.ts')).defineSymbols,
  },
  {
    name: 'query',
    summary: 'SQL over the lake',
    load: async () => (await import('./commands/query.ts')).defineQuery,
  },
  {
    name: 'gaps',
    summary: 'numbers whose ticks are not in the table: never came, or refused',
    load: async () => (await import('./commands/gaps.ts')).defineGaps,
  },
  {
    name: 'snapshots',
    summary: 'snapshots of a table',
    load: async () => (await import('./commands/snapshots.ts')).defineSnapshots,
  },
  {
    name: 'stats',
    summary: 'rows, files and bytes of each table',
    load: async () => (await import('./commands/stats.ts')).defineStats,
  },
  {
    name: 'maintain',
    summary: 'compact files, expire snapshots, delete orphans',
    load: async () => (await import('./commands/maintain.ts')).defineMaintain,
  },
  {
    name: 'schema',
    summary: 'schemas of the log’s records',
    load: async () => (await import('./commands/schema.ts')).defineSchema,
  },
  {
    name: 'verify',
    summary: 'check the lake, from inside or against the files it was loaded from',
    load: async () => (await import('./commands/verify.ts')).defineVerify,
  },
  {
    name: 'help',
    summary: 'how to use a command',
    load: async () => (await import('./commands/help.ts')).defineHelp,
  },
];
