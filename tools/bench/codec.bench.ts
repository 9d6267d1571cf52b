import type { RecordType } from '@k2/domain/market';
import {
  decodeBlock,
  encodeBlock,
  encodeTicks,
  QUOTE_TICK_SCHEMA,
  TickDecoder,
  TRADE_TICK_SCHEMA,
  WIRE_PREFIX_BYTES,
  wirePrefix,
} from '@k2/domain/wire';
import { median, report, seconds } from './figure.ts';
import { rowsOf, tape } from './tape.ts';

const batches = await tape(1_000_000);
const rows = rowsOf(batches);
const blocks = batches.map((batch) => encodeBlock({ kind: 'ticks', batch }));
const bytes = blocks.reduce((sum, block) => sum + block.length, 0);

const encoding = await median(5, () =>
  seconds(() => {
    for (const batch of batches) encodeBlock({ kind: 'ticks', batch });
  }),
);
const decoding = await median(5, () =>
  seconds(() => {
    for (const block of blocks) decodeBlock(block);
  }),
);
report({ name: 'block_encode_ticks_per_s', value: rows / encoding, unit: 'ticks/s', count: rows, note: 'one core' });
report({ name: 'block_decode_ticks_per_s', value: rows / decoding, unit: 'ticks/s', count: rows, note: 'one core' });
report({ name: 'block_bytes_per_tick', value: bytes / rows, unit: 'bytes/row', count: rows });

await measureTicks('trades', TRADE_TICK_SCHEMA);
await measureTicks('quotes', QUOTE_TICK_SCHEMA);

async function measureTicks(recordType: RecordType, schema: unknown): Promise<void> {
  const own = batches.filter((batch) => batch.recordType === recordType);
  const count = rowsOf(own);
  const prefix = wirePrefix(1);
  const encoded = own.map((batch) => encodeTicks(batch, prefix));
  const encoding = await median(5, () =>
    seconds(() => {
      for (const batch of own) encodeTicks(batch, prefix);
    }),
  );
  const decoder = new TickDecoder(JSON.stringify(schema));
  const decoding = await median(5, () =>
    seconds(() => {
      for (const { bytes, offsets } of encoded) {
        for (let row = 0; row + 1 < offsets.length; row++) {
          decoder.append(bytes, offsets[row] + WIRE_PREFIX_BYTES, offsets[row + 1]);
        }
        decoder.finish();
      }
    }),
  );
  const bytes = encoded.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const ticks = { unit: 'ticks/s', count, note: `${recordType}, one core` } as const;
  report({ name: `tick_encode_${recordType}_per_s`, value: count / encoding, ...ticks });
  report({ name: `tick_decode_${recordType}_per_s`, value: count / decoding, ...ticks });
  report({ name: `tick_bytes_per_${recordType.slice(0, -1)}`, value: bytes / count, unit: 'bytes/row', count });
}
