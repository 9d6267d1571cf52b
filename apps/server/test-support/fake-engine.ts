import { messageId, recordColumns, type NamedColumn, type PlacedBatch, type RecordType } from '@k2/domain/market';
import {
  PortError,
  type Answer,
  type AnswerBatches,
  type AnswerBatch,
  type AnswerColumn,
  type AnswerType,
  type AnswerValues,
  type AskOptions,
  type QueryEngine,
  type Question,
  type SqlRead,
} from '@k2/ports';
import { writeFile } from 'node:fs/promises';

type TicksQuestion = Extract<Question, { readonly kind: 'ticks' }>;
type Answering = (question: Question, options: AskOptions) => AnswerBatches | Promise<AnswerBatches>;

/**
 * Answers questions about ticks from one batch a record type, others as told. Instruments are told apart by
 * `symbols` and `exchange` only; rows are taken to be in order.
 */
export class FakeEngine implements QueryEngine {
  readonly asked: Question[] = [];
  /** Replaces what is answered. */
  answering: Answering | null = null;
  /** Iterations of answers that began and have not ended. */
  open = 0;
  /** Answers given out that have neither been iterated to an end nor disposed of. */
  held = 0;
  private readonly ticks: Readonly<Record<RecordType, PlacedBatch>>;

  constructor(ticks: Readonly<Record<RecordType, PlacedBatch>>) {
    this.ticks = ticks;
  }

  async ask(question: Question, _plans: unknown, options: AskOptions): Promise<Answer> {
    this.asked.push(question);
    const answer = this.answering !== null ? await this.answering(question, options) : this.answer(question);
    let isOpen = true;
    this.held++;
    const free = () => {
      if (isOpen) this.held--;
      isOpen = false;
    };
    return {
      columns: answer.columns,
      batches: this.counted(answer.batches, free),
      [Symbol.asyncDispose]: async () => free(),
    };
  }

  async sqlReads(sql: string): Promise<readonly SqlRead[]> {
    return /trades/.test(sql) ? [{ table: 'market_data.trades' }] : [];
  }

  async exportParquet(question: Question, _plans: unknown, path: string): Promise<{ readonly rowCount: number }> {
    this.asked.push(question);
    await writeFile(path, 'PAR1 not really PAR1');
    return { rowCount: 3 };
  }

  async close(): Promise<void> {
    // Nothing is open.
  }

  private answer(question: Question): AnswerBatches {
    if (question.kind === 'ticks') return ticksAnswer(this.ticks[question.recordType], question);
    if (question.kind === 'bars') return barsAnswer(question);
    if (question.kind === 'sql' && !/^\s*select/i.test(question.sql)) {
      throw new PortError('forbidden-query', `${question.sql.slice(0, 20)} is not a SELECT: expected one SELECT`);
    }
    return integersAnswer(question.limit);
  }

  private async *counted(batches: AsyncIterable<AnswerBatch>, free: () => void): AsyncGenerator<AnswerBatch> {
    this.open++;
    try {
      yield* batches;
    } finally {
      free();
      this.open--;
    }
  }
}

/** Bars 0, 1, 2 …, as `n`, of one instrument since 1970; ten of them at most. */
function barsAnswer({ intervalUs, after, limit }: Extract<Question, { readonly kind: 'bars' }>): AnswerBatches {
  const first = after === undefined ? 0 : after.startUs / intervalUs + 1;
  const n = Float64Array.from({ length: Math.max(0, Math.min(limit, 10 - first)) }, (_, row) => first + row);
  const text = (value: string): AnswerValues => ({
    kind: 'dictionary',
    codes: new Uint8Array(n.length),
    dictionary: [value],
  });
  return answerOf(
    [
      { name: 'exchange', type: 'string' },
      { name: 'symbol', type: 'string' },
      { name: 'bar_start', type: 'timestamp' },
      { name: 'n', type: 'integer' },
    ],
    [
      {
        rowCount: n.length,
        columns: [
          text('ASX'),
          text('BHP'),
          { kind: 'integer', values: n.map((at) => at * intervalUs) },
          { kind: 'integer', values: n },
        ],
        nulls: [null, null, null, null],
      },
    ],
  );
}

/** Rows 0, 1, 2 … of one column `n`; ten of them at most. */
function integersAnswer(limit: number): AnswerBatches {
  const values = Float64Array.from({ length: Math.min(limit, 10) }, (_, row) => row);
  return answerOf(
    [{ name: 'n', type: 'integer' }],
    [{ rowCount: values.length, columns: [{ kind: 'integer', values }], nulls: [null] }],
  );
}

export function answerOf(columns: readonly AnswerColumn[], batches: readonly AnswerBatch[]): AnswerBatches {
  return {
    columns,
    batches: (async function* () {
      yield* batches;
    })(),
  };
}

/** A batch of ticks as the engine answers it: the record's columns, and the identity before them. */
export function tickAnswer(placed: PlacedBatch): {
  readonly columns: readonly AnswerColumn[];
  readonly batch: AnswerBatch;
} {
  const { rowCount, columns } = recordColumns(placed);
  const nulls = columns.map(nullsOf);
  return {
    columns: [
      { name: 'message_id', type: 'string' },
      ...columns.map(({ name, type }) => ({ name, type: ANSWER_TYPES[type] })),
    ],
    batch: { rowCount, columns: [messageIds(placed), ...columns.map(({ column }) => column)], nulls: [null, ...nulls] },
  };
}

const ANSWER_TYPES: Readonly<Record<NamedColumn['type'], AnswerType>> = {
  string: 'string',
  int: 'integer',
  long: 'integer',
  timestamp: 'timestamp',
  decimal: 'decimal',
  binary: 'binary',
  'string-list': 'string-list',
  'string-map': 'string-map',
};

function nullsOf({ name, column }: NamedColumn): Uint8Array | null {
  if (column.kind === 'dictionary' && column.dictionary.includes(null)) {
    return Uint8Array.from(column.codes, (code) => (column.dictionary[code] === null ? 1 : 0));
  }
  if (column.kind !== 'utf8' || !name.endsWith('_id')) return null;
  const { offsets } = column.values;
  return Uint8Array.from({ length: offsets.length - 1 }, (_, row) => (offsets[row] === offsets[row + 1] ? 1 : 0));
}

function messageIds({ batch }: PlacedBatch): AnswerValues {
  const ids = Array.from({ length: batch.rowCount }, (_, row) =>
    messageId(batch.series[batch.seriesCode[row]], batch.venueSequence[row]),
  );
  const offsets = new Uint32Array(ids.length + 1);
  ids.forEach((id, row) => (offsets[row + 1] = offsets[row] + Buffer.byteLength(id)));
  return { kind: 'utf8', values: { offsets, bytes: Buffer.from(ids.join('')) } };
}

function ticksAnswer(placed: PlacedBatch, { filter, fields, order, after, limit }: TicksQuestion): AnswerBatches {
  const { batch } = placed;
  const rows: number[] = [];
  for (let row = 0; row < batch.rowCount; row++) {
    const { symbol, exchange } = batch.series[batch.seriesCode[row]];
    const isWanted = (filter.symbols?.includes(symbol) ?? true) && (filter.exchange ?? exchange) === exchange;
    const timeUs = batch.eventTimeUs[row];
    if (isWanted && timeUs >= (filter.fromUs ?? -Infinity) && timeUs < (filter.toUs ?? Infinity)) rows.push(row);
  }
  if (order === 'newest-first') rows.reverse();
  const isPast = (row: number) =>
    batch.eventTimeUs[row] === after?.eventTimeUs && batch.venueSequence[row] === after.venueSequence;
  const start = after === undefined ? 0 : rows.findIndex(isPast) + 1;
  const { columns, batch: all } = tickAnswer(placed);
  const wanted = (fields ?? columns.map(({ name }) => name)).map((name) =>
    columns.findIndex((column) => column.name === name),
  );
  const picked = rows.slice(start, start + limit);
  // Two batches, so that rows are looked for across them.
  const halves = [picked.slice(0, 2), picked.slice(2)].filter((half) => half.length > 0);
  return answerOf(
    wanted.map((at) => columns[at]),
    halves.map((half) => ({
      rowCount: half.length,
      columns: wanted.map((at) => pick(all.columns[at], half)),
      nulls: wanted.map((at) => all.nulls[at] && Uint8Array.from(half, (row) => all.nulls[at]![row])),
    })),
  );
}

function pick(values: AnswerValues, rows: readonly number[]): AnswerValues {
  switch (values.kind) {
    case 'integer':
    case 'double':
      return { ...values, values: Float64Array.from(rows, (row) => values.values[row]) };
    case 'decimal':
    case 'int64':
      return { ...values, values: BigInt64Array.from(rows, (row) => values.values[row]) };
    case 'boolean':
      return { ...values, values: Uint8Array.from(rows, (row) => values.values[row]) };
    case 'dictionary':
      return { ...values, codes: Uint16Array.from(rows, (row) => values.codes[row]) };
    case 'utf8':
    case 'binary': {
      const { offsets, bytes } = values.values;
      const parts = rows.map((row) => bytes.subarray(offsets[row], offsets[row + 1]));
      const picked = new Uint32Array(rows.length + 1);
      parts.forEach((part, at) => (picked[at + 1] = picked[at] + part.length));
      return { ...values, values: { offsets: picked, bytes: Buffer.concat(parts) } };
    }
  }
}
