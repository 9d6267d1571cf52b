import type { Framing } from '@k2/domain/wire';
import { inTransaction, openDatabase } from './sqlite-database.ts';
import { Refusal } from './refusal.ts';
import type { Reply } from './sqlite-protocol.ts';

export type LogDatabase = ReturnType<typeof openLogDatabase>;

export interface StoredTopic {
  readonly name: string;
  readonly topicId: string;
  readonly framing: Framing;
  readonly partitions: readonly StoredPartition[];
}

export interface StoredPartition {
  readonly partitionKey: number;
  readonly startOffset: number;
  readonly endOffset: number;
  /** Payloads still in the file, the trimmed ones that were not deleted yet among them. */
  readonly storedBytes: number;
}

export interface RecordToStore {
  readonly partitionKey: number;
  readonly payload: Uint8Array;
}

export interface LogSlice {
  readonly partitionKey: number;
  /** Half-open. */
  readonly fromOffset: number;
  readonly toOffset: number;
}

export interface StoredRecord {
  readonly partitionKey: number;
  readonly offset: number;
  readonly appendedUs: number;
  readonly payload: Uint8Array;
}

/**
 * Records lie in the order of their row id = partition key × 2^37 + offset: one B-tree, no second index, and each
 * partition contiguous. Both are read as exact numbers, which have 53 bits: 37 for the offset and 16 for the partition
 * key. An append beyond either is refused.
 */
const OFFSETS_PER_PARTITION = 2 ** 37;
const PARTITIONS_MAX = 2 ** 16 - 1;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS topics (
    name TEXT PRIMARY KEY,
    topic_id TEXT NOT NULL,
    framing TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS partitions (
    partition_key INTEGER PRIMARY KEY,
    topic TEXT NOT NULL REFERENCES topics (name),
    partition INTEGER NOT NULL,
    start_offset INTEGER NOT NULL DEFAULT 0,
    end_offset INTEGER NOT NULL DEFAULT 0,
    stored_bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, partition)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS records (
    position INTEGER PRIMARY KEY,
    appended_us INTEGER NOT NULL,
    payload BLOB NOT NULL
  ) STRICT;`;

/** The log's database program. End offsets live in `partitions`, so they survive the trimming of every record. */
export function openLogDatabase(path: string) {
  const db = openDatabase(path, { pageBytes: 16_384, exclusive: true, schema: SCHEMA });
  const insertRecord = db.prepare('INSERT INTO records (position, appended_us, payload) VALUES (?, ?, ?)');
  const endOf = db.prepare('SELECT end_offset AS endOffset FROM partitions WHERE partition_key = ?');
  const extend = db.prepare(
    'UPDATE partitions SET end_offset = ?, stored_bytes = stored_bytes + ? WHERE partition_key = ?',
  );
  const nameOf = db.prepare('SELECT topic, partition FROM partitions WHERE partition_key = ?');
  const select = db.prepare(
    'SELECT position, appended_us AS appendedUs, payload FROM records WHERE position >= ? AND position < ? ORDER BY position',
  );
  const moveStart = db.prepare('UPDATE partitions SET start_offset = max(start_offset, ?) WHERE partition_key = ?');
  const selectSizes = db.prepare(
    'SELECT position, length(payload) AS sizeBytes FROM records WHERE position >= ? AND position < ? ORDER BY position LIMIT ?',
  );
  const deleteRecords = db.prepare('DELETE FROM records WHERE position >= ? AND position <= ?');
  const shrink = db.prepare('UPDATE partitions SET stored_bytes = stored_bytes - ? WHERE partition_key = ?');
  const selectTrimmed = db.prepare(
    `SELECT partition_key AS partitionKey, start_offset AS startOffset FROM partitions
     WHERE EXISTS (SELECT 1 FROM records WHERE position >= partition_key * ${OFFSETS_PER_PARTITION}
       AND position < partition_key * ${OFFSETS_PER_PARTITION} + start_offset)
     LIMIT 1`,
  );

  const exhausted = (partitionKey: number) => {
    const { topic, partition } = nameOf.get(partitionKey) as { topic: string; partition: number };
    const message = `${topic}/${partition} has ${OFFSETS_PER_PARTITION} records, and no room for another: expected fewer; append to a topic of another name`;
    return new Refusal('unavailable', message, { topic, partition, recordsMax: OFFSETS_PER_PARTITION });
  };

  return {
    topics(): Reply<StoredTopic[]> {
      const topics = db.prepare('SELECT name, topic_id AS topicId, framing FROM topics ORDER BY name').all();
      const partitions = db.prepare(
        `SELECT partition_key AS partitionKey, start_offset AS startOffset, end_offset AS endOffset,
           stored_bytes AS storedBytes
         FROM partitions WHERE topic = ? ORDER BY partition`,
      );
      return {
        value: (topics as unknown as Omit<StoredTopic, 'partitions'>[]).map((topic) => ({
          ...topic,
          partitions: partitions.all(topic.name) as unknown as StoredPartition[],
        })),
      };
    },

    /** Creates the topic, or adds the partitions it lacks. `topicId` counts only for a new topic. */
    declareTopic(name: string, partitions: number, framing: Framing, topicId: string): Reply<null> {
      inTransaction(db, () => {
        db.prepare('INSERT OR IGNORE INTO topics (name, topic_id, framing) VALUES (?, ?, ?)').run(
          name,
          topicId,
          framing,
        );
        const add = db.prepare('INSERT OR IGNORE INTO partitions (topic, partition) VALUES (?, ?)');
        for (let partition = 0; partition < partitions; partition++) add.run(name, partition);
        const { highest } = db.prepare('SELECT max(partition_key) AS highest FROM partitions').get() as {
          highest: number;
        };
        if (highest > PARTITIONS_MAX) {
          const message = `topic ${name} with ${partitions} partitions does not fit: one log holds ${PARTITIONS_MAX} partitions; declare fewer`;
          throw new Refusal('unavailable', message, { topic: name, partitions, partitionsMax: PARTITIONS_MAX });
        }
      });
      return { value: null };
    },

    /** One transaction; answers each record's offset. */
    append(records: readonly RecordToStore[], appendedUs: number): Reply<number[]> {
      const offsets = inTransaction(db, () => {
        const ends = new Map<number, { endOffset: number; addedBytes: number }>();
        const assigned = records.map(({ partitionKey, payload }) => {
          let end = ends.get(partitionKey);
          if (end === undefined) {
            end = { ...(endOf.get(partitionKey) as { endOffset: number }), addedBytes: 0 };
            ends.set(partitionKey, end);
          }
          if (end.endOffset >= OFFSETS_PER_PARTITION) throw exhausted(partitionKey);
          insertRecord.run(partitionKey * OFFSETS_PER_PARTITION + end.endOffset, appendedUs, payload);
          end.addedBytes += payload.byteLength;
          return end.endOffset++;
        });
        for (const [partitionKey, { endOffset, addedBytes }] of ends) extend.run(endOffset, addedBytes, partitionKey);
        return assigned;
      });
      return { value: offsets };
    },

    /**
     * Every slice gets an equal share of what is left of the bytes; the rest goes to those that have more. Stops before
     * exceeding `bytesMax`, except for the very first record.
     */
    read(slices: readonly LogSlice[], bytesMax: number): Reply<StoredRecord[]> {
      const found: StoredRecord[] = [];
      const froms = slices.map(({ fromOffset }) => fromOffset);
      let leftBytes = bytesMax;

      const take = (index: number, shareBytes: number): void => {
        const { partitionKey, toOffset } = slices[index];
        const base = partitionKey * OFFSETS_PER_PARTITION;
        let shareLeft = shareBytes;
        for (const row of select.iterate(base + froms[index], base + toOffset)) {
          const { position, appendedUs, payload } = row as {
            position: number;
            appendedUs: number;
            payload: Uint8Array;
          };
          if (payload.byteLength > shareLeft && found.length > 0) return;
          found.push({ partitionKey, offset: position - base, appendedUs, payload });
          froms[index] = position - base + 1;
          shareLeft -= payload.byteLength;
          leftBytes -= payload.byteLength;
        }
        froms[index] = toOffset;
      };
      slices.forEach((_, index) => take(index, Math.floor(Math.max(0, leftBytes) / (slices.length - index))));
      slices.forEach((slice, index) => {
        if (leftBytes > 0 && froms[index] < slice.toOffset) take(index, leftBytes);
      });
      return { value: found, transfer: found.map(({ payload }) => payload.buffer as ArrayBuffer) };
    },

    /** Moves start offsets; the records before them are unreachable from now on and deleted by `reclaim`. */
    trim(starts: readonly { readonly partitionKey: number; readonly startOffset: number }[]): Reply<null> {
      inTransaction(db, () => {
        for (const { partitionKey, startOffset } of starts) moveStart.run(startOffset, partitionKey);
      });
      return { value: null };
    },

    /** Deletes up to `rowsMax` trimmed records of one partition; null if there is none. SQLite reuses their pages. */
    reclaim(rowsMax: number): Reply<{ readonly partitionKey: number; readonly freedBytes: number } | null> {
      const trimmed = selectTrimmed.get() as { partitionKey: number; startOffset: number } | undefined;
      if (trimmed === undefined) return { value: null };
      const { partitionKey, startOffset } = trimmed;
      const base = partitionKey * OFFSETS_PER_PARTITION;
      const rows = selectSizes.all(base, base + startOffset, rowsMax) as { position: number; sizeBytes: number }[];
      const freedBytes = rows.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      inTransaction(db, () => {
        deleteRecords.run(base, rows.at(-1)!.position);
        shrink.run(freedBytes, partitionKey);
      });
      return { value: { partitionKey, freedBytes } };
    },

    close(): Reply<null> {
      db.close();
      return { value: null };
    },
  };
}
