import { DECIMAL_PRECISION, DECIMAL_SCALE } from '../market/decimal.ts';

/**
 * The Avro schemas of a log record in `tick` framing: one tick, for consumers outside K2.
 *
 * Types are those that Kafka Connect, ksqlDB and Trino know by themselves. `asset_class`, `side` and `sequence_origin`
 * are strings and not enums: with an enum, a symbol that a newer writer adds is one that consumers of the older schema
 * cannot read, and one that is taken away breaks BACKWARD; with a string neither is a change of the schema. A field with
 * a default may be left out by a writer; a field added later has to have one.
 */

const field = (name: string, type: unknown, doc: string) => ({ name, type, doc });
/** A union's default is of its first branch. */
const optional = (name: string, type: unknown, doc: string) => ({ name, type: ['null', type], default: null, doc });
const timestamp = (name: string, doc: string) => field(name, { type: 'long', logicalType: 'timestamp-micros' }, doc);
const decimal = (name: string, doc: string) =>
  field(
    name,
    { type: 'bytes', logicalType: 'decimal', precision: DECIMAL_PRECISION, scale: DECIMAL_SCALE },
    `${doc} decimal(18,8).`,
  );

/** First and next to each other: what repeats from tick to tick is then one run of equal bytes. */
const SERIES_FIELDS = [
  field('exchange', 'string', 'Venue code.'),
  field('symbol', 'string', 'Symbol of the venue, verbatim.'),
  field('asset_class', 'string', 'equities, crypto, futures, fx or options.'),
  field('currency', 'string', 'ISO 4217 code or quote asset.'),
  { ...field('session', 'string', 'Session of the venue; empty where it has none.'), default: '' },
  field('sequence_origin', 'string', 'venue: it numbers its ticks. arrival: K2 does.'),
  optional('first_sequence', 'long', 'First sequence of a session, where the venue has a rule.'),
];

export const SERIES_FIELD_NAMES: readonly string[] = SERIES_FIELDS.map(({ name }) => name);

const PLACE_FIELDS = [
  field('source_sequence', 'long', 'Sequence within exchange, symbol and session.'),
  timestamp('timestamp', "The venue's time, UTC µs."),
  timestamp('ingestion_timestamp', 'When K2 received it, UTC µs.'),
];

const VENDOR_DATA = optional('vendor_data', { type: 'map', values: 'string' }, 'What only this venue has.');

export const TRADE_TICK_SCHEMA = {
  type: 'record',
  name: 'Trade',
  namespace: 'k2',
  doc: 'One match.',
  fields: [
    ...SERIES_FIELDS,
    ...PLACE_FIELDS,
    decimal('price', 'Price, in currency.'),
    decimal('quantity', 'Quantity traded.'),
    { ...field('side', 'string', 'Aggressor: BUY, SELL or UNKNOWN.'), default: 'UNKNOWN' },
    optional('trade_id', 'string', 'Trade id of the venue, where it gives one.'),
    {
      ...field('trade_conditions', { type: 'array', items: 'string' }, 'Condition codes of the venue, verbatim.'),
      default: [],
    },
    VENDOR_DATA,
  ],
};

export const QUOTE_TICK_SCHEMA = {
  type: 'record',
  name: 'Quote',
  namespace: 'k2',
  doc: 'Best bid and ask.',
  fields: [
    ...SERIES_FIELDS,
    ...PLACE_FIELDS,
    decimal('bid_price', 'Best bid; meaningless where bid_quantity is 0.'),
    decimal('bid_quantity', 'Quantity at the best bid; 0 means no bid.'),
    decimal('ask_price', 'Best ask; meaningless where ask_quantity is 0.'),
    decimal('ask_quantity', 'Quantity at the best ask; 0 means no ask.'),
    optional('quote_id', 'string', 'Quote id of the venue, where it gives one.'),
    VENDOR_DATA,
  ],
};
