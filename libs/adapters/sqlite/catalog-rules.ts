import type { CatalogChange, PartitionClaim, StateMove, StoredState, TopicPartition } from '@k2/ports';
import { Refusal } from './refusal.ts';

export interface ProgressRow {
  readonly topicId: string;
  readonly nextOffset: number;
  readonly epoch: number;
}

export function assertClaimHolds(claim: PartitionClaim, nextOffset: number, stored: ProgressRow | undefined): void {
  const where = `${claim.topic}/${claim.partition}`;
  if (stored !== undefined && stored.epoch !== claim.epoch) {
    const message = `${where}: epoch ${claim.epoch} was ended by epoch ${stored.epoch} of a later writer: stop writing`;
    throw new Refusal('fenced', message, { ...claim, storedEpoch: stored.epoch });
  }
  if (stored === undefined || stored.topicId !== claim.topicId || stored.nextOffset !== claim.nextOffset) {
    const found = stored === undefined ? 'nothing' : `offset ${stored.nextOffset} of topic id ${stored.topicId}`;
    const message = `${where}: expected offset ${claim.nextOffset} of topic id ${claim.topicId}, found ${found}: claim again`;
    throw new Refusal('progress-mismatch', message, { ...claim, stored });
  }
  if (nextOffset < claim.nextOffset) {
    const message = `${where}: progress cannot go back from offset ${claim.nextOffset} to ${nextOffset}`;
    throw new Refusal('progress-mismatch', message, { ...claim, refusedOffset: nextOffset });
  }
}

/** Offsets of a recreated topic start again: taken for the old ones, everything new would seem committed already. */
export function assertSameTopic(
  claimed: TopicPartition & { readonly topicId: string },
  stored: ProgressRow | undefined,
): void {
  if (stored === undefined || stored.topicId === claimed.topicId || stored.nextOffset === 0) return;
  const { topic, partition, topicId } = claimed;
  throw new Refusal(
    'progress-mismatch',
    `${topic}/${partition}: offset ${stored.nextOffset} is recorded for topic id ${stored.topicId}, but the topic's id is ${topicId}: it was recreated; restore the old log, or write to a new topic name`,
    { topic, partition, topicId, storedTopicId: stored.topicId, nextOffset: stored.nextOffset },
  );
}

/** A state goes with a partition whose progress the change moves, so that its claim was checked. */
export function assertOwnersMove(progress: CatalogChange['progress'], state: CatalogChange['state']): void {
  const moving = new Set(progress.map(({ claim }) => nameOf(claim)));
  for (const [key, { owner }] of state) {
    if (moving.has(nameOf(owner))) continue;
    const message = `state ${key} is of ${nameOf(owner)}, whose progress this change does not move: its claim cannot be checked`;
    throw new Refusal('progress-mismatch', message, { key, owner });
  }
}

/** Another partition may have moved the state since it was read. */
export function assertStateIsAsRead(key: string, { owner, was }: StateMove, stored: StoredState | undefined): void {
  if (isAsRead(owner, was, stored)) return;
  const expected = was === 'absent' ? 'no state' : `a state of ${nameOf(was === 'own' ? owner : was.owner)}`;
  const found = stored === undefined ? 'no state' : `one of ${nameOf(stored.owner)}`;
  const message = `state ${key}: ${nameOf(owner)} expected ${expected} as it was read, found ${found}: read it again`;
  throw new Refusal('progress-mismatch', message, { key, owner, was, stored });
}

function isAsRead(owner: TopicPartition, was: StateMove['was'], stored: StoredState | undefined): boolean {
  if (was === 'absent' || stored === undefined) return was === 'absent' && stored === undefined;
  // While the owner's claim holds, nobody else moves what is its own.
  if (was === 'own') return nameOf(stored.owner) === nameOf(owner);
  return nameOf(stored.owner) === nameOf(was.owner) && stored.value === was.value;
}

function nameOf(partition: TopicPartition | null): string {
  return partition === null ? 'no partition' : `${partition.topic}/${partition.partition}`;
}
