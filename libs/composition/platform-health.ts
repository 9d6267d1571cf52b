import type { DedupStore, ObjectStore, Question, SchemaRegistry, TableCatalog, TickLog } from '@k2/ports';
import type { PausedPartition } from '@k2/usecases';
import type { ComponentHealth } from './components.ts';
import type { CallersOwn, DependencyHealth } from './dependencies.ts';
import type { Role } from './settings.ts';

/** How a process is: what it can do of what its roles ask. */
export interface PlatformHealth {
  /** `ready`: all. `degraded`: some role goes on only in part. `unavailable`: no role can do its work. */
  readonly status: 'ready' | 'degraded' | 'unavailable';
  /** False when a component failed that a new process may run again: this one does not. */
  readonly isAlive: boolean;
  readonly roles: readonly { readonly role: Role; readonly works: boolean }[];
  readonly components: readonly ComponentHealth[];
  readonly dependencies: readonly DependencyHealth[];
  readonly paused: readonly PausedPartition[];
}

/** What each role cannot do without; of its components the name, or how names begin. */
const NEEDS: Readonly<Record<Role, { readonly dependencies: readonly string[]; readonly component: string | null }>> = {
  ingest: { dependencies: ['log', 'schema registry', 'disk'], component: 'feed ' },
  sink: { dependencies: ['log', 'catalog', 'objects', 'disk'], component: 'sink' },
  api: { dependencies: ['catalog', 'objects', 'engine'], component: null },
  maintain: { dependencies: ['catalog', 'objects', 'disk'], component: 'maintain' },
};

/** What goes on while a dependency is down. */
export const WITHOUT: Readonly<Record<string, string>> = {
  log: 'answers of what is committed',
  'schema registry': 'feeds into topics whose schemas are known, commits, answers',
  catalog: 'feeds into the log',
  objects: 'feeds into the log',
  engine: 'feeds into the log, commits',
  dedup: 'everything; ticks of redundant lines are dropped by the sink, not at ingest',
  disk: 'answers of what is committed',
};

/** No object, subject or tick has this name: that there is none is an answer. */
const PROBE = 'k2-health-probe';

/** A call of each port that reads next to nothing. The engine has none: it is known by the questions that it gets. */
export const PROBES: Readonly<Record<string, (port: never) => Promise<unknown>>> = {
  log: (log: TickLog) => log.topics(),
  catalog: (catalog: TableCatalog) => catalog.metadataLocation(`k2.${PROBE}`),
  objects: (objects: ObjectStore) => objects.get(PROBE),
  'schema registry': (registry: SchemaRegistry) => registry.latest(PROBE),
  dedup: (dedup: DedupStore) => dedup.seen([PROBE]),
};

/**
 * Calls that run what a user wrote: SQL can fail, take its time and end the engine's process of itself. That the engine
 * does not start is seen by what a statement is asked first, what it reads.
 */
export const CALLERS_OWN: Readonly<Record<string, CallersOwn>> = {
  engine: ([question]) => typeof question === 'object' && (question as Question | null)?.kind === 'sql',
};

export function platformHealth(
  roles: readonly Role[],
  components: readonly ComponentHealth[],
  dependencies: readonly DependencyHealth[],
  paused: readonly PausedPartition[],
): PlatformHealth {
  const down = new Set(dependencies.filter(({ state }) => state === 'down').map(({ name }) => name));
  const failed = components.filter(({ state }) => state === 'failed');
  const worksAs = (role: Role) => {
    const needs = NEEDS[role];
    if (needs.dependencies.some((name) => down.has(name))) return false;
    if (needs.component === null) return true;
    const own = components.filter(({ name }) => name.startsWith(needs.component!));
    return own.length === 0 || own.some(getsOn);
  };
  const working = roles.map((role) => ({ role, works: worksAs(role) }));
  const isWhole = down.size === 0 && components.every(getsOn) && paused.length === 0;
  const isUseless = working.every(({ works }) => !works);
  return {
    status: isUseless ? 'unavailable' : isWhole ? 'ready' : 'degraded',
    // What a person has to mend first, no restart does.
    isAlive: failed.every(({ errorKind }) => errorKind === 'misconfigured'),
    roles: working,
    components,
    dependencies,
    paused,
  };
}

function getsOn({ state }: ComponentHealth): boolean {
  return state !== 'failed' && state !== 'failing';
}
