import { READ_COMMITTED } from './topic-requests.ts';
import type { KafkaRequest } from './kafka-request.ts';

export interface FetchPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly fetchOffset: number;
}

export interface FetchOptions {
  /** How long the broker waits for the first record. */
  readonly waitMs: number;
  readonly bytesMax: number;
  readonly partitionBytesMax: number;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

export interface FetchedPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  /** In order of their first offset. */
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Record batches; the last one may be cut off. A view of the response. */
  readonly records: Buffer;
}

export interface FetchAnswer {
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

/**
 * Fetch version 13, the first that names topics by id: a broker never answers from another topic of the same name. It
 * gives the record batches as they are on disk, so that no object is made per record.
 */
export function fetchRequest(
  partitions: readonly FetchPartition[],
  { waitMs, bytesMax, partitionBytesMax }: FetchOptions,
): KafkaRequest<FetchAnswer> {
  const topics = Map.groupBy(partitions, ({ topicId }) => topicId);
  return {
    apiKey: 1,
    apiName: 'Fetch',
    apiVersion: 13,
    isFlexible: true,
    brokerWaitMs: waitMs,
    write(out) {
      out.int32(-1).int32(waitMs).int32(1).int32(bytesMax).int8(READ_COMMITTED).int32(0).int32(-1);
      out.compactArray([...topics], ([topicId, fetched]) => {
        out.uuid(topicId);
        out.compactArray(fetched, ({ partition, fetchOffset }) => {
          out.int32(partition).int32(-1).int64(fetchOffset).int32(-1).int64(-1).int32(partitionBytesMax).noTags();
        });
        out.noTags();
      });
      out.compactArray([], () => {});
      out.compactString('').noTags();
    },
    read(input) {
      input.int32();
      const errorCode = input.int16();
      input.int32();
      const fetched = input.compactArray(() => {
        const topicId = input.uuid();
        const ofTopic = input.compactArray(() => {
          const [partition, partitionError] = [input.int32(), input.int16()];
          for (let offset = 0; offset < 3; offset++) input.int64();
          const abortedTransactions = input.compactArray(() => {
            const aborted = { producerId: input.bigInt64(), firstOffset: input.int64() };
            input.tags();
            return aborted;
          });
          input.int32();
          const records = input.compactBytes();
          input.tags();
          return { topicId, partition, errorCode: partitionError, abortedTransactions, records };
        });
        input.tags();
        return ofTopic;
      });
      return { errorCode, partitions: fetched.flat() };
    },
  };
}
