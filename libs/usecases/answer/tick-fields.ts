import type { RecordType } from '@k2/domain/market';
import { recordSchema, type TableName } from '@k2/domain/market/record-schema';

export function tableOf(recordType: RecordType): TableName {
  return `market_data.${recordType}`;
}

/** Fields that an answer about ticks can have, in order. */
export function tickFields(recordType: RecordType): readonly string[] {
  return ['message_id', ...recordSchema(tableOf(recordType)).fields.map(({ name }) => name)];
}
