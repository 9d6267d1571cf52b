import { decodeBlock, encodeBlock } from '@k2/domain/wire';
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
