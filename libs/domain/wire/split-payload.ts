import { selectRows } from '../market/batch-select.ts';
import type { Series } from '../market/series.ts';
import type { TickBatch } from '../market/tick-batch.ts';
import type { BlockPayload } from './block-payload.ts';
import { HASH_PARTITIONER, partitioner, type Partitioner } from './partitioners.ts';

export interface PartitionPayload {
  readonly partition: number;
  readonly payload: BlockPayload;
}

/**
 * The payload by topic partition, in the order of its rows within each. A batch whose rows all belong to one partition
 * is passed on as it is; only a batch of several is copied. Rejections go by exchange and source.
 */
export function splitPayload(
  payload: BlockPayload,
  partitions: number,
  partitionOf: Partitioner = partitioner(HASH_PARTITIONER, partitions),
): readonly PartitionPayload[] {
  if (payload.kind === 'ticks') return splitBatch(payload.batch, partitions, partitionOf);
  const groups = Map.groupBy(payload.rejections, ({ exchange, source }) => partitionOf(exchange, source));
  return [...groups].map(([partition, rejections]) => ({ partition, payload: { kind: 'rejections', rejections } }));
}

function splitBatch(batch: TickBatch, partitions: number, partitionOf: Partitioner): readonly PartitionPayload[] {
  const partitionOfCode = Uint32Array.from(batch.series, ({ exchange, symbol }) => partitionOf(exchange, symbol));
  const counts = new Uint32Array(partitions);
  for (let row = 0; row < batch.rowCount; row++) counts[partitionOfCode[batch.seriesCode[row]]]++;

  const used = [...counts.keys()].filter((partition) => counts[partition] > 0);
  if (used.length === 1) return [{ partition: used[0], payload: { kind: 'ticks', batch } }];

  const rows = used.map((partition) => new Uint32Array(counts[partition]));
  const indexOf = new Int32Array(partitions);
  used.forEach((partition, index) => (indexOf[partition] = index));
  const filled = new Uint32Array(used.length);
  for (let row = 0; row < batch.rowCount; row++) {
    const index = indexOf[partitionOfCode[batch.seriesCode[row]]];
    rows[index][filled[index]++] = row;
  }
  return used.map((partition, index) => ({
    partition,
    payload: { kind: 'ticks', batch: ownSeries(selectRows(batch, rows[index])) },
  }));
}

/** With only the series that its rows have: a block of one partition should not name those of the others. */
function ownSeries(batch: TickBatch): TickBatch {
  const newCode = new Int32Array(batch.series.length).fill(-1);
  const series: Series[] = [];
  const seriesCode = new Uint16Array(batch.rowCount);
  for (let row = 0; row < batch.rowCount; row++) {
    const code = batch.seriesCode[row];
    if (newCode[code] < 0) newCode[code] = series.push(batch.series[code]) - 1;
    seriesCode[row] = newCode[code];
  }
  return { ...batch, series, seriesCode };
}
