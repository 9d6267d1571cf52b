import { PortError } from '../port-error.ts';
import type { CatalogChange, StateMove, StoredState, TableCatalogError } from '../table-catalog.port.ts';
import type { TopicPartition } from '../tick-log.port.ts';

/** Throws `progress-mismatch` unless every state goes with a partition whose progress the change moves. */
export function assertOwnersMove({ progress, state }: Pick<CatalogChange, 'progress' | 'state'>): void {
  const moving = new Set(progress.map(({ claim }) => nameOf(claim)));
  for (const [key, { owner }] of state) {
    if (moving.has(nameOf(owner))) continue;
    const message = `state ${key} is of ${nameOf(owner)}, whose progress this change does not move: its claim cannot be checked`;
    throw new PortError('progress-mismatch', message, { key, owner }) satisfies TableCatalogError;
  }
}

/** Throws `progress-mismatch` where another partition has moved the state since it was read. */
export function assertStateIsAsRead(key: string, move: StateMove, stored: StoredState | undefined): void {
  if (isStateAsRead(move, stored)) return;
  const { owner, was } = move;
  const expected = was === 'absent' ? 'no state' : `a state of ${was === 'own' ? nameOf(owner) : ownerOf(was)}`;
  const found = stored === undefined ? 'no state' : `one of ${ownerOf(stored)}`;
  const message = `state ${key}: ${nameOf(owner)} expected ${expected} as it was read, found ${found}: read it again`;
  throw new PortError('progress-mismatch', message, { key, owner, was, stored }) satisfies TableCatalogError;
}

/** Whether the stored state is still the one that the move was made from. */
export function isStateAsRead({ owner, was }: StateMove, stored: StoredState | undefined): boolean {
  if (was === 'absent' || stored === undefined) return was === 'absent' && stored === undefined;
  // While the owner's claim holds, nobody else moves what is its own.
  if (was === 'own') return isSame(stored.owner, owner);
  return isSame(stored.owner, was.owner) && stored.value === was.value;
}

function isSame(a: TopicPartition | null, b: TopicPartition | null): boolean {
  return a?.topic === b?.topic && a?.partition === b?.partition;
}

function ownerOf({ owner }: StoredState): string {
  return owner === null ? 'no partition' : nameOf(owner);
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
