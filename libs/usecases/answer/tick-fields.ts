import { recordSchema, type RecordType, type TableName } from '@k2/domain/market';

export function tableOf(recordType: RecordType): TableName {
  return `market_data.${recordType}`;
}

/** Fields that an answer about ticks can have, in order. */
export function tickFields(recordType: RecordType): readonly string[] {
  return ['message_id', ...recordSchema(tableOf(recordType)).fields.map(({ name }) => name)];
}
