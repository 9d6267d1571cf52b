import { PortError } from '@k2/ports';
import { passing } from '../connection/patience.ts';
import { isPassingError, KAFKA_ERRORS, kafkaErrorName } from '../protocol/kafka-request.ts';

/** Why a group does not take us. */
export function groupFailure(groupId: string, errorCode: number): PortError {
  const name = kafkaErrorName(errorCode);
  if (isPassingError(errorCode)) return passing(`group ${groupId}: ${name}`, { group: groupId });
  if (errorCode === KAFKA_ERRORS.INCONSISTENT_GROUP_PROTOCOL) {
    const message = `group ${groupId} has members that are not K2's: choose another group, or end them`;
    return new PortError('unavailable', message, { group: groupId });
  }
  const hint = errorCode === KAFKA_ERRORS.GROUP_AUTHORIZATION_FAILED ? ': grant Read on the group' : '';
  return new PortError('unavailable', `group ${groupId} cannot be joined: ${name}${hint}`, { group: groupId });
}
