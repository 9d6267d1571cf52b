import type { KafkaRequest } from './kafka-request.ts';

/** Requests of Kafka's group membership as every version since 2.3 speaks it: what members agree on is their own affair. */

const PROTOCOL_TYPE = 'consumer';

export interface Coordinator {
  readonly errorCode: number;
  readonly message: string | null;
  readonly nodeId: number;
}

export function findCoordinatorRequest(groupId: string): KafkaRequest<Coordinator> {
  return {
    apiKey: 10,
    apiName: 'FindCoordinator',
    apiVersion: 2,
    isFlexible: false,
    write: (out) => void out.string(groupId).int8(0),
    read(input) {
      input.int32();
      return { errorCode: input.int16(), message: input.string(), nodeId: input.int32() };
    },
  };
}

export interface JoinOptions {
  readonly groupId: string;
  /** Empty at first: the answer MEMBER_ID_REQUIRED brings one. */
  readonly memberId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Members of a group have to speak the same. */
  readonly protocolName: string;
  readonly metadata: Uint8Array;
}

export interface JoinAnswer {
  readonly errorCode: number;
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  /** Only the leader is told. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

export function joinGroupRequest(options: JoinOptions): KafkaRequest<JoinAnswer> {
  const { groupId, memberId, sessionTimeoutMs, rebalanceTimeoutMs, protocolName, metadata } = options;
  return {
    apiKey: 11,
    apiName: 'JoinGroup',
    apiVersion: 5,
    isFlexible: false,
    brokerWaitMs: rebalanceTimeoutMs,
    write(out) {
      out.string(groupId).int32(sessionTimeoutMs).int32(rebalanceTimeoutMs).string(memberId).string(null);
      out.string(PROTOCOL_TYPE);
      out.array([protocolName], (name) => out.string(name).bytes(metadata));
    },
    read(input) {
      input.int32();
      const [errorCode, generationId] = [input.int16(), input.int32()];
      input.string();
      const [leaderId, joinedAs] = [input.string() ?? '', input.string() ?? ''];
      const members = input.array(() => {
        const member = input.string()!;
        input.string();
        return { memberId: member, metadata: input.bytes() };
      });
      return { errorCode, generationId, leaderId, memberId: joinedAs, members };
    },
  };
}

/** Who asks, and in which generation of the group. */
export interface MemberIdentity {
  readonly groupId: string;
  readonly memberId: string;
  readonly generationId: number;
}

export interface SyncAnswer {
  readonly errorCode: number;
  readonly assignment: Buffer;
}

/** The leader hands in everyone's assignment, the others none; each gets its own. */
export function syncGroupRequest(
  { groupId, memberId, generationId }: MemberIdentity,
  assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[],
  waitMs: number,
): KafkaRequest<SyncAnswer> {
  return {
    apiKey: 14,
    apiName: 'SyncGroup',
    apiVersion: 3,
    isFlexible: false,
    brokerWaitMs: waitMs,
    write(out) {
      out.string(groupId).int32(generationId).string(memberId).string(null);
      out.array(assignments, ({ memberId: member, assignment }) => out.string(member).bytes(assignment));
    },
    read(input) {
      input.int32();
      return { errorCode: input.int16(), assignment: input.bytes() };
    },
  };
}

export function heartbeatRequest({ groupId, memberId, generationId }: MemberIdentity): KafkaRequest<number> {
  return {
    apiKey: 12,
    apiName: 'Heartbeat',
    apiVersion: 3,
    isFlexible: false,
    write: (out) => void out.string(groupId).int32(generationId).string(memberId).string(null),
    read(input) {
      input.int32();
      return input.int16();
    },
  };
}

export function leaveGroupRequest({ groupId, memberId }: Omit<MemberIdentity, 'generationId'>): KafkaRequest<number> {
  return {
    apiKey: 13,
    apiName: 'LeaveGroup',
    apiVersion: 2,
    isFlexible: false,
    write: (out) => void out.string(groupId).string(memberId),
    read(input) {
      input.int32();
      return input.int16();
    },
  };
}

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Answers the error codes of the partitions. */
export function offsetCommitRequest(
  { groupId, memberId, generationId }: MemberIdentity,
  offsets: readonly CommittedOffset[],
): KafkaRequest<readonly number[]> {
  const topics = Map.groupBy(offsets, ({ topic }) => topic);
  return {
    apiKey: 8,
    apiName: 'OffsetCommit',
    apiVersion: 7,
    isFlexible: false,
    write(out) {
      out.string(groupId).int32(generationId).string(memberId).string(null);
      out.array([...topics], ([topic, ofTopic]) => {
        out.string(topic);
        out.array(ofTopic, ({ partition, offset }) => out.int32(partition).int64(offset).int32(-1).string(null));
      });
    },
    read(input) {
      input.int32();
      return input
        .array(() => {
          input.string();
          return input.array(() => {
            input.int32();
            return input.int16();
          });
        })
        .flat();
    },
  };
}
