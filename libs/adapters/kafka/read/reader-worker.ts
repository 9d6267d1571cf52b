import { parentPort, workerData } from 'node:worker_threads';
import { PortError } from '@k2/ports';
import { FetchLane } from './fetch-lane.ts';
import { SeriesNumbers } from './handed-series.ts';
import type { FromReader, ReaderOptions, ToReader, WireFailure } from './reader-protocol.ts';
import { SchemaTable } from './schema-table.ts';

/** The thread that fetches and decodes, so that the log's own has the time for what it is read for. */

const options = workerData as ReaderOptions;
const port = parentPort!;
const lanes = new Map<number, FetchLane>();
const wantedSchemas = new Map<number, PromiseWithResolvers<string | null>>();
const series = new SeriesNumbers();
const schemas = new SchemaTable(lookUp, () => performance.now());

port.on('message', (message: ToReader) => {
  switch (message.kind) {
    case 'seek':
      return laneOf(message.lane).seek(message.epoch, message.positions);
    case 'limit':
      return lanes.get(message.lane)?.limit(message.aheadBytesMax);
    case 'taken':
      return lanes.get(message.lane)?.taken(message.epoch, message.bytes);
    case 'drop':
      return drop(message.lane);
    case 'schema':
      return answered(message.schemaId, message.schema, message.failure);
    case 'close':
      for (const lane of lanes.keys()) drop(lane);
      return port.close();
  }
});

function laneOf(id: number): FetchLane {
  const known = lanes.get(id);
  if (known !== undefined) return known;
  const lane = new FetchLane(
    options,
    schemas,
    {
      records: (epoch, records, buffers) => {
        series.forgetIfFull();
        const numbered = records.map(({ record, memoryBytes }) => ({ record: series.numbered(record), memoryBytes }));
        post({ kind: 'records', lane: id, epoch, records: numbered, series: series.handOver() }, buffers);
      },
      failed: (epoch, failure) => post({ kind: 'failed', lane: id, epoch, failure: wireFailure(failure) }),
      fetched: (bytes) => post({ kind: 'fetched', requests: 1, bytes }),
    },
    (message, fields) => post({ kind: 'log', message, fields }),
  );
  lanes.set(id, lane);
  return lane;
}

function drop(id: number): void {
  void lanes.get(id)?.close();
  lanes.delete(id);
}

function lookUp(schemaId: number): Promise<string | null> {
  let wanted = wantedSchemas.get(schemaId);
  if (wanted === undefined) {
    wanted = Promise.withResolvers();
    wantedSchemas.set(schemaId, wanted);
    post({ kind: 'schema-wanted', schemaId });
  }
  return wanted.promise;
}

function answered(schemaId: number, schema: string | null, failure: WireFailure | undefined): void {
  const wanted = wantedSchemas.get(schemaId);
  wantedSchemas.delete(schemaId);
  if (failure === undefined) wanted?.resolve(schema);
  else wanted?.reject(new PortError(failure.kind, failure.message, failure.context, { retryable: failure.retryable }));
}

function wireFailure({ kind, message, context, retryable }: PortError): WireFailure {
  return { kind, message, context, retryable };
}

function post(message: FromReader, buffers: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, [...buffers]);
}
