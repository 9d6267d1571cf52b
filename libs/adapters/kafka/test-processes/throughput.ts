// Usage: node --conditions=k2-source throughput.ts produce|consume BROKER PREFIX FRAMING COMPRESSION ROWS [ROWS_PER_APPEND] [PARTITIONS]
// Appends ROWS trades to a topic, or reads what is in it as the sink does, and prints the rate.
import type { TradeBatch } from '@k2/domain/market';
import { TOPIC_SETTINGS, type Compression, type Framing } from '@k2/domain/wire';
import type { LogPosition } from '@k2/ports';
import { KafkaTickLog } from '../index.ts';
import { FakeRegistry } from '../test-support/fake-registry.ts';
import { clock, scheduler, silent } from '../test-support/real-time.ts';

const [phase, broker, topicPrefix, framing, compression, rowsText, batchText = '5000', partitionsText = '1'] =
  process.argv.slice(2);
const rows = Number(rowsText);
const batchRows = Number(batchText);
const partitions = Number(partitionsText);
const topic = 'market.equities.trades.asx';
const SYMBOLS = 200;
const APPENDS_IN_FLIGHT = 4;

const log = await KafkaTickLog.open({
  brokers: [broker],
  registry: new FakeRegistry(),
  clock,
  scheduler,
  telemetry: silent,
  topicPrefix,
  rules: [
    {
      ...TOPIC_SETTINGS,
      topics: 'market.*.*.*',
      partitions,
      framing: framing as Framing,
      compression: compression as Compression,
    },
  ],
});
await log.declareTopic({ name: topic, partitions, framing: framing as Framing });
await log.append(topic, { kind: 'ticks', batch: trades(0, 1) });
if (phase === 'produce') await produce();
else await consume();
await log.close();

async function produce(): Promise<void> {
  const batches = Array.from({ length: Math.ceil(rows / batchRows) }, (_, i) => trades(i * batchRows, batchRows));
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  const inFlight = new Set<Promise<unknown>>();
  for (const batch of batches) {
    const append: Promise<unknown> = log.append(topic, { kind: 'ticks', batch }).then(() => inFlight.delete(append));
    inFlight.add(append);
    if (inFlight.size >= APPENDS_IN_FLIGHT) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  const seconds = (performance.now() - startMs) / 1_000;
  console.log(
    `produce ${framing} ${compression}: ${Math.round((batches.length * batchRows) / seconds)} rows/s, ${perCpu(cpu, rows)}`,
  );
}

/** Of all threads: what it takes of a machine, however busy that is. */
function perCpu(before: NodeJS.CpuUsage, count: number): string {
  const { user, system } = process.cpuUsage(before);
  return `${Math.round((count / (user + system)) * 1e6)} rows a CPU second`;
}

async function consume(): Promise<void> {
  const offsets = await log.offsets([topic]);
  let positions: LogPosition[] = offsets.map(({ partition }) => ({ topic, partition, nextOffset: 0 }));
  let found = 0;
  let bytes = 0;
  let volume = 0n;
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  const before = performance.eventLoopUtilization();
  for (;;) {
    const records = await log.read({ positions, bytesMax: 4 * 2 ** 20, waitMs: 0 });
    if (records.length === 0) break;
    for (const { topicPartition, nextOffset, payload, sizeBytes } of records) {
      if (payload.kind !== 'ticks' || payload.batch.recordType !== 'trades') throw new Error(JSON.stringify(payload));
      found += payload.batch.rowCount;
      bytes += sizeBytes;
      volume += payload.batch.quantity[payload.batch.rowCount - 1];
      positions = positions.map((at) => (at.partition === topicPartition.partition ? { ...at, nextOffset } : at));
    }
  }
  const seconds = (performance.now() - startMs) / 1_000;
  const { utilization } = performance.eventLoopUtilization(before);
  console.log(
    `consume ${framing} ${compression}: ${Math.round(found / seconds)} rows/s, ${perCpu(cpu, found)}, ${(bytes / found).toFixed(1)} bytes a row, main thread ${(utilization * 100).toFixed(0)} % busy, ${found} rows (${volume})`,
  );
}

function trades(first: number, rowCount: number): TradeBatch {
  const none = { offsets: new Uint32Array(rowCount + 1), bytes: new Uint8Array() };
  const row = <Values extends Float64Array | BigInt64Array | Uint16Array | Uint8Array>(
    values: Values,
    at: (i: number) => Values[number],
  ) => {
    for (let i = 0; i < rowCount; i++) values[i] = at(i);
    return values;
  };
  const symbols = Math.min(SYMBOLS, rowCount);
  return {
    recordType: 'trades',
    rowCount,
    series: Array.from({ length: symbols }, (_, i) => ({
      exchange: 'ASX',
      symbol: `S${i}`,
      assetClass: 'equities',
      currency: 'AUD',
      session: '2014-03-10',
      sequenceOrigin: 'venue',
      firstSequence: 1,
    })),
    seriesCode: row(new Uint16Array(rowCount), (i) => (i * 7) % symbols),
    eventTimeUs: row(new Float64Array(rowCount), (i) => 1_394_409_600_000_000 + (first + i) * 137),
    receiveTimeUs: row(new Float64Array(rowCount), (i) => 1_394_409_600_005_000 + (first + i) * 137),
    venueSequence: row(new Float64Array(rowCount), (i) => first + i + 1),
    vendorData: [null],
    vendorDataCode: new Uint16Array(rowCount),
    tradeId: none,
    price: row(new BigInt64Array(rowCount), (i) => BigInt(3_600 + ((first + i) % 97)) * 1_000_000n),
    quantity: row(new BigInt64Array(rowCount), (i) => BigInt(1 + ((first + i) % 500)) * 100_000_000n),
    aggressorSide: row(new Uint8Array(rowCount), (i) => 1 + (i % 2)),
    conditions: [[]],
    conditionsCode: new Uint16Array(rowCount),
  };
}
