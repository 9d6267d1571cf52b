export { CodecError } from './avro-reader.ts';
export type { BlockPayload } from './block-payload.ts';
export { decodeBlock } from './block-decoder.ts';
export { encodeBlock } from './block-encoder.ts';
export { BLOCK_SCHEMA, QUOTE_BLOCK_SCHEMA, REJECTION_BLOCK_SCHEMA, TRADE_BLOCK_SCHEMA } from './block-schema.ts';
export { splitPayload, type PartitionPayload } from './split-payload.ts';
export * from './topics.ts';
