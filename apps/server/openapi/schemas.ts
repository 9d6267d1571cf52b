import { recordSchema, type FieldType, type RecordField, type TableName } from '@k2/domain/market';
import { ALTERATION_KINDS } from '@k2/usecases';
import { PROBLEMS, type ProblemKind } from '../http/problem.ts';

export type Json = Readonly<Record<string, unknown>>;

const FIELD_TYPES: Readonly<Record<FieldType, Json>> = {
  string: { type: 'string' },
  int: { type: 'integer' },
  long: { type: ['integer', 'string'], description: 'A string beyond 2^53.' },
  timestamp: { type: 'string', format: 'date-time', description: 'UTC, to the microsecond.' },
  decimal: { type: 'string', pattern: '^-?\\d+(\\.\\d{1,8})?$', description: 'Exact decimal(18,8).' },
  binary: { type: 'string', contentEncoding: 'base64' },
  'string-list': { type: 'array', items: { type: 'string' } },
  'string-map': { type: 'object', additionalProperties: { type: 'string' } },
};

/** A row as JSON; `fields` may leave any of it out. */
export function rowSchema(table: TableName): Json {
  const fields = recordSchema(table).fields.map((field) => [field.name, fieldSchema(field)] as const);
  const messageId = { type: 'string', description: 'Identity: exchange/symbol/session/source_sequence.' };
  return { type: 'object', properties: { message_id: messageId, ...Object.fromEntries(fields) } };
}

function fieldSchema({ type, required, doc }: RecordField): Json {
  const schema = FIELD_TYPES[type];
  const detail = typeof schema['description'] === 'string' ? `${doc} ${schema['description']}` : doc;
  const types = [schema['type']].flat();
  return { ...schema, type: required ? schema['type'] : [...types, 'null'], description: detail };
}

const object = (properties: Json, more: Json = {}): Json => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  ...more,
});
const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const list = (items: Json): Json => ({ type: 'array', items });
const text: Json = { type: 'string' };
const integer: Json = { type: 'integer' };
const nullable = (type: string): Json => ({ type: [type, 'null'] });
const time: Json = { type: 'string', format: 'date-time' };

const SNAPSHOT_ID: Json = {
  type: ['string', 'null'],
  description: 'What the answer is of; ask for it again with asOf. Null: nothing was committed yet.',
};

const page = (row: Json): Json =>
  object({
    data: list(row),
    completeness: ref('Completeness'),
    snapshotId: SNAPSHOT_ID,
    nextCursor: { type: ['string', 'null'], description: 'The next page; null on the last.' },
  });

const openRow: Json = { type: 'object', additionalProperties: true };
const decimal = FIELD_TYPES.decimal;

const bar = object({
  exchange: text,
  symbol: text,
  bar_start: { ...time, description: 'Inclusive; the bar ends an interval later, exclusive.' },
  open: decimal,
  high: decimal,
  low: decimal,
  close: decimal,
  volume: decimal,
  trade_count: integer,
  vwap: {
    ...decimal,
    type: ['string', 'null'],
    description: 'Rounded half to even at the eighth digit; null where nothing was traded.',
  },
});

const instrument = object({
  exchange: text,
  symbol: text,
  asset_class: text,
  currency: text,
  record_type: { enum: ['trades', 'quotes'] },
  tick_count: integer,
  first_timestamp: time,
  last_timestamp: time,
});
const column = object({ name: text, type: text });
const rows = (row: Json): Json => object({ data: list(row), columns: list(column), truncated: { type: 'boolean' } });

const missingTicks = {
  exchange: text,
  symbol: text,
  session: text,
  sequenceFrom: integer,
  sequenceTo: { type: 'integer', description: 'Inclusive.' },
  fromTime: { ...time, description: "Venue's time of the tick before." },
  toTime: { ...time, description: "Venue's time of the tick after." },
};

const alterationFields = {
  cause: { enum: ['retention', 'other-engine'] },
  exchange: { ...nullable('string'), description: 'null: any.' },
  fromTime: { ...nullable('string'), description: 'Of the rows, inclusive; null: unbounded.' },
  toTime: { ...nullable('string'), description: 'Of the rows, exclusive; null: unbounded.' },
  removedRows: integer,
  addedRows: integer,
  snapshotId: nullable('string'),
  committedTime: time,
  operation: text,
};
const alteration = object(alterationFields);
const jobSummary = {
  id: text,
  state: {
    enum: ['waiting', 'running', 'stopping', 'done', 'failed', 'cancelled'],
    description: 'waiting: for the task that the schedule is at. stopping: cancelled, and not ended yet.',
  },
  tasks: { ...list(text), description: 'Empty: all.' },
  tables: { ...list(text), description: 'Empty: all.' },
  dryRun: { type: 'boolean' },
  createdTime: time,
  startedTime: nullable('string'),
  endedTime: nullable('string'),
  stepsDone: integer,
  stepsTotal: { ...integer, description: 'A step is one task on one table.' },
  step: {
    type: ['object', 'null'],
    description: 'The one that it is at; of a failed job the one that failed.',
    properties: {
      task: text,
      table: text,
      progress: {
        type: ['object', 'null'],
        description: 'null where the task has not said how much there is to do.',
        properties: { doneFiles: integer, totalFiles: integer, doneBytes: integer, totalBytes: integer },
      },
    },
  },
};
const knownGaps = { gapCount: integer, missingTicks: integer, gaps: list(object(missingTicks)) };

/** Named schemas of the document. */
export const SCHEMAS: Readonly<Record<string, Json>> = {
  Trade: rowSchema('market_data.trades'),
  Quote: rowSchema('market_data.quotes'),
  TradesPage: page(ref('Trade')),
  QuotesPage: page(ref('Quote')),
  Bar: bar,
  Instrument: instrument,
  BarsPage: page(ref('Bar')),
  Instruments: rows(ref('Instrument')),
  Rows: rows(openRow),
  Completeness: {
    description:
      'complete: every tick that the venue numbered is there. gaps: these are missing. removed: retention has dropped rows of these exchanges and days. unverifiable: nothing could have shown a gap, or another engine has changed the table.',
    oneOf: [
      object({ status: { const: 'complete' } }),
      object({ status: { const: 'gaps' }, ...knownGaps }),
      object({ status: { const: 'removed' }, removedRows: integer, removals: list(alteration), ...knownGaps }),
      object({ status: { const: 'unverifiable' }, reason: text }),
    ],
  },
  Gaps: object({
    data: list(
      object({
        record_type: { enum: ['trades', 'quotes'] },
        exchange: text,
        symbol: text,
        session: text,
        sequence_from: integer,
        sequence_to: integer,
        missing_ticks: integer,
        timestamp_from: time,
        timestamp_to: time,
      }),
    ),
    gapCount: integer,
    missingTicks: integer,
    truncated: { type: 'boolean' },
  }),
  Snapshots: object({
    data: list(
      object({
        table: text,
        snapshotId: text,
        parentSnapshotId: nullable('string'),
        dataSequenceNumber: integer,
        committedTime: time,
        operation: text,
        addedRows: integer,
        totalRows: integer,
        totalFiles: integer,
        totalBytes: integer,
        isCurrent: { type: 'boolean' },
        progress: list(openRow),
        alterations: list(alteration),
      }),
    ),
    truncated: { type: 'boolean' },
  }),
  Stats: object({
    versions: object({ k2: text, node: text }),
    roles: list(text),
    startedTime: time,
    uptimeSeconds: integer,
    failed: nullable('string'),
    tables: list(openRow),
    log: object({ lagRecords: integer, partitions: list(openRow) }),
    feeds: list(openRow),
    sink: { type: ['object', 'null'] },
    maintain: {
      type: ['object', 'null'],
      description: 'null where this process does no maintenance.',
      properties: { tables: { ...list(ref('TableInspection')), description: 'The newest inspection of each table.' } },
    },
  }),
  Status: { type: 'object', properties: { status: text }, required: ['status'] },
  Health: object({
    status: { enum: ['ready', 'degraded', 'unavailable'] },
    roles: { type: 'object', additionalProperties: { enum: ['works', 'does not work'] } },
    components: list(
      object({
        name: text,
        state: { enum: ['running', 'failing', 'ended', 'failed'] },
        errorKind: { type: ['string', 'null'] },
        since: text,
      }),
    ),
    dependencies: list(
      object({
        name: text,
        state: { enum: ['unknown', 'up', 'down'] },
        lastErrorKind: { type: ['string', 'null'] },
        without: { ...text, description: 'What goes on without it.' },
        since: text,
      }),
    ),
    pausedPartitions: list(object({ topic: text, partition: integer, since: text, errorKind: text })),
  }),
  LoadEvent: {
    type: 'object',
    description:
      'started, waiting … while another load is under way, progress …, then finished (committed), stopped or failed.',
    properties: {
      event: { enum: ['started', 'waiting', 'progress', 'finished', 'stopped', 'failed'] },
      feed: text,
      ahead: { ...text, description: 'Of waiting: the feed that is loaded before this one.' },
      acknowledgedTicks: integer,
      acknowledgedRejections: integer,
      doneBytes: integer,
      totalBytes: integer,
      unread: {
        ...object({ count: integer, names: list(text) }),
        description: 'Files beside those of the feed that were not read: how many, and the first names.',
      },
      committed: { type: 'boolean' },
      readRows: { ...integer, description: 'Rows of the feed, refused ones and such as were not taken included.' },
      lake: {
        ...object({ beforeUs: nullable('integer'), afterUs: nullable('integer') }),
        description: 'Instants of the lake, UTC µs, between which the feed was committed.',
      },
      othersWrote: {
        type: 'boolean',
        description: 'Other feeds or processes wrote beside this one: some rows between the instants may be theirs.',
      },
      comparison: {
        ...object({
          completedSessions: integer,
          completedRows: integer,
          differingSessions: integer,
          notTakenRows: integer,
          differences: list(openRow),
        }),
        description: 'Sessions of the feed beside what the lake had of them: completed ones, and those that differ.',
      },
      problem: ref('Problem'),
    },
    required: ['event'],
  },
  MaintenanceJobs: object({ data: list(object(jobSummary)) }),
  MaintenanceJob: object({
    ...jobSummary,
    reports: {
      ...list({ anyOf: [ref('TableInspection'), openRow] }),
      description: 'Of each step that is done and had something to do, by its task; of inspect a TableInspection.',
    },
    problem: { description: 'Of a failed job; otherwise null.', oneOf: [ref('Problem'), { type: 'null' }] },
  }),
  TableInspection: object({
    task: { const: 'inspect' },
    table: text,
    dryRun: { type: 'boolean' },
    alterations: list(
      object({
        kind: { enum: ALTERATION_KINDS, description: 'What answers over the rows concerned say.' },
        ...alterationFields,
      }),
    ),
    files: { ...integer, description: 'Data files of the table.' },
    uncheckedFiles: { ...integer, description: 'Of them, those whose names tell no digest: they are read unchecked.' },
  }),
  Problem: {
    ...object({
      type: {
        type: 'string',
        format: 'uri',
        description: `urn:k2:problem:<kind>, the kind being one of ${Object.keys(PROBLEMS).join(', ')}.`,
      },
      title: text,
      status: integer,
      detail: { type: 'string', description: 'What was wrong, with the value and what was expected.' },
      instance: text,
      correlationId: text,
      errors: list(object({ field: text, value: {}, expected: text })),
    }),
    description: 'RFC 9457.',
  },
};

export function schemaRef(name: string): Json {
  return ref(name);
}

export function problemExample(kind: ProblemKind): Json {
  const { status, title } = PROBLEMS[kind];
  const isField = kind === 'invalid-request';
  return {
    type: `urn:k2:problem:${kind}`,
    title,
    status,
    detail: isField ? 'limit is "0": expected an integer from 1 to 1000000' : title,
    instance: '/v1/trades?limit=0',
    correlationId: '0198f0a2-7c1e-7a3b-9d7e-2f6a1c0b4d55',
    errors: isField ? [{ field: 'limit', value: '0', expected: 'an integer from 1 to 1000000' }] : [],
  };
}
