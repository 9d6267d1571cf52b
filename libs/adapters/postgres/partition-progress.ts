import {
  PortError,
  type CatalogChange,
  type PartitionClaim,
  type PartitionProgress,
  type TopicPartition,
} from '@k2/ports';
import { exactNumber } from './exact-number.ts';
import type { Query } from './postgres-pool.ts';

type ClaimedTopicPartition = TopicPartition & { readonly topicId: string };

interface ProgressRow extends ClaimedTopicPartition {
  readonly nextOffset: string;
  readonly epoch: string;
  readonly writer: string;
}

const COLUMNS = 'topic, partition, topic_id AS "topicId", next_offset AS "nextOffset", epoch, writer';

export async function storedProgress(query: Query): Promise<readonly PartitionProgress[]> {
  const rows = await query<ProgressRow>(`SELECT ${COLUMNS} FROM k2_progress ORDER BY topic, partition`);
  return rows.map((row) => {
    const { topic, partition, topicId } = row;
    return { topic, partition, topicId, nextOffset: nextOffsetOf(row) };
  });
}

/** Takes the partitions' locks, in the order that everybody takes them in, and holds the claims against the rows. */
export async function assertClaimsHold(query: Query, moves: CatalogChange['progress']): Promise<void> {
  if (moves.length === 0) return;
  const rows = await query<ProgressRow>(
    `SELECT ${COLUMNS} FROM k2_progress
     WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[]))
     ORDER BY topic, partition FOR UPDATE`,
    columnsOf(moves.map(({ claim }) => claim)),
  );
  const stored = new Map(rows.map((row) => [nameOf(row), storedClaim(row)]));
  for (const { claim, nextOffset } of moves) {
    const found = stored.get(nameOf(claim));
    assertClaimHolds(claim, nextOffset, found);
    // A second move of the same partition in one change has to start where the first one ends.
    stored.set(nameOf(claim), { ...found, nextOffset });
  }
}

/**
 * In order of the partitions given. The rows' locks are held until the transaction ends, and its COMMIT is sent only
 * after that: a claim whose connection was lost cannot arrive late and end the epoch of a claim made since.
 */
export async function claimPartitions(
  query: Query,
  writer: string,
  partitions: readonly ClaimedTopicPartition[],
): Promise<readonly PartitionClaim[]> {
  if (partitions.length === 0) return [];
  const columns = [...columnsOf(partitions), partitions.map(({ topicId }) => topicId), writer];
  const rows = await query<ProgressRow>(
    `INSERT INTO k2_progress AS stored (topic, partition, topic_id, next_offset, epoch, writer)
     SELECT topic, partition, topic_id, 0, 1, $4
     FROM unnest($1::text[], $2::int[], $3::text[]) AS claimed (topic, partition, topic_id)
     ORDER BY topic COLLATE "C", partition
     ON CONFLICT (topic, partition) DO UPDATE
     SET topic_id = EXCLUDED.topic_id, epoch = stored.epoch + 1, writer = EXCLUDED.writer
     WHERE stored.topic_id = EXCLUDED.topic_id OR stored.next_offset = 0
     RETURNING ${COLUMNS}`,
    columns,
  );
  const claims = new Map(rows.map((row) => [nameOf(row), storedClaim(row)]));
  const refused = partitions.find((partition) => !claims.has(nameOf(partition)));
  if (refused !== undefined) throw await recreated(query, refused);
  return partitions.map((partition) => {
    const { topic, partition: number, topicId, nextOffset, epoch } = claims.get(nameOf(partition))!;
    return { topic, partition: number, topicId, nextOffset, epoch };
  });
}

interface StoredClaim extends PartitionClaim {
  readonly writer: string;
}

function storedClaim(row: ProgressRow): StoredClaim {
  return { ...row, nextOffset: nextOffsetOf(row), epoch: exactNumber(row.epoch, `the epoch of ${nameOf(row)}`) };
}

function assertClaimHolds(
  claim: PartitionClaim,
  nextOffset: number,
  stored: StoredClaim | undefined,
): asserts stored is StoredClaim {
  const where = nameOf(claim);
  if (stored !== undefined && stored.epoch !== claim.epoch) {
    const message = `${where}: epoch ${claim.epoch} was ended by epoch ${stored.epoch} of ${stored.writer}: stop writing`;
    throw new PortError('fenced', message, { ...claim, storedEpoch: stored.epoch });
  }
  if (stored === undefined || stored.topicId !== claim.topicId || stored.nextOffset !== claim.nextOffset) {
    const found = stored === undefined ? 'nothing' : `offset ${stored.nextOffset} of topic id ${stored.topicId}`;
    const message = `${where}: expected offset ${claim.nextOffset} of topic id ${claim.topicId}, found ${found}: claim again`;
    throw new PortError('progress-mismatch', message, { ...claim, stored });
  }
  if (nextOffset < claim.nextOffset) {
    const message = `${where}: progress cannot go back from offset ${claim.nextOffset} to ${nextOffset}`;
    throw new PortError('progress-mismatch', message, { ...claim, refusedOffset: nextOffset });
  }
  if (!Number.isSafeInteger(nextOffset)) {
    const message = `${where}: offset ${nextOffset} is not a whole number below 2^53`;
    throw new PortError('progress-mismatch', message, { ...claim, refusedOffset: nextOffset });
  }
}

/** Offsets of a recreated topic start again: taken for the old ones, everything new would seem committed already. */
async function recreated(query: Query, { topic, partition, topicId }: ClaimedTopicPartition): Promise<PortError> {
  const [row] = await query<ProgressRow>(`SELECT ${COLUMNS} FROM k2_progress WHERE topic = $1 AND partition = $2`, [
    topic,
    partition,
  ]);
  const stored = storedClaim(row);
  return new PortError(
    'progress-mismatch',
    `${topic}/${partition}: offset ${stored.nextOffset} is recorded for topic id ${stored.topicId}, but the topic's id is ${topicId}: it was recreated; restore the old log, or write to a new topic name`,
    { topic, partition, topicId, storedTopicId: stored.topicId, nextOffset: stored.nextOffset },
  );
}

function columnsOf(partitions: readonly TopicPartition[]): [topics: string[], partitions: number[]] {
  return [partitions.map(({ topic }) => topic), partitions.map(({ partition }) => partition)];
}

function nextOffsetOf(row: ProgressRow): number {
  return exactNumber(row.nextOffset, `the next offset of ${nameOf(row)}`);
}

const nameOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;
