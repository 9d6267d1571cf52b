/**
 * The Avro schema of a log record in `block` framing: the ticks of one append as columns. A record is one of the
 * union's branches, so any Avro reader can take it apart; the docs say how its columns are coded.
 */

const array = (items: unknown) => ({ type: 'array', items });
const column = (name: string, type: unknown, doc: string) => ({ name, type, doc });
const codes = (name: string, dictionary: string) =>
  column(name, array('int'), `Index into ${dictionary} a row; empty: 0 for every row.`);
const decimals = (name: string) => [
  column(`${name}_exponent`, 'int', `Power of ten that ${name} was divided by; -1: ${name} is not delta-coded.`),
  column(name, array('long'), `decimal(18,8) × 10^(8 - exponent), as the difference to the row before in its series.`),
];

const SERIES = {
  type: 'record',
  name: 'Series',
  fields: [
    column('exchange', 'string', 'Venue code.'),
    column('symbol', 'string', 'Symbol of the venue, verbatim.'),
    column('asset_class', 'string', 'equities, crypto, futures, fx or options.'),
    column('currency', 'string', 'ISO 4217 code or quote asset.'),
    column('session', 'string', 'Session of the venue; empty where it has none.'),
    column('sequence_origin', 'string', 'venue or arrival.'),
    column('first_sequence', ['null', 'long'], 'First sequence of a session, where the venue has a rule.'),
  ],
};

const common = (series: unknown) => [
  column('row_count', 'int', 'Ticks in this record, 1 to 65,536.'),
  column('series', array(series), 'Dictionary of instruments and sessions.'),
  codes('series_code', 'series'),
  column('timestamp', array('long'), "Venue's time, UTC µs, as the difference to the row before."),
  column('ingestion_timestamp', array('long'), 'Our time, UTC µs, as the difference to the row before.'),
  column('source_sequence', array('long'), 'As the difference to the row before in its series.'),
  column('vendor_data', array(['null', { type: 'map', values: 'string' }]), 'Dictionary.'),
  codes('vendor_data_code', 'vendor_data'),
  column('id_length', array('int'), 'Bytes of a row in ids; empty: no row has an id.'),
  column('ids', 'bytes', 'trade_id or quote_id of all rows, UTF-8.'),
];

export const TRADE_BLOCK_SCHEMA = {
  type: 'record',
  name: 'TradeBlock',
  namespace: 'k2',
  fields: [
    ...common(SERIES),
    ...decimals('price'),
    ...decimals('quantity'),
    column('side', 'bytes', 'A byte a row: 0 UNKNOWN, 1 BUY, 2 SELL.'),
    column('trade_conditions', array(array('string')), 'Dictionary.'),
    codes('trade_conditions_code', 'trade_conditions'),
  ],
};

export const QUOTE_BLOCK_SCHEMA = {
  type: 'record',
  name: 'QuoteBlock',
  namespace: 'k2',
  fields: [
    ...common('k2.Series'),
    ...decimals('bid_price'),
    ...decimals('bid_quantity'),
    ...decimals('ask_price'),
    ...decimals('ask_quantity'),
  ],
};

export const REJECTION_BLOCK_SCHEMA = {
  type: 'record',
  name: 'RejectionBlock',
  namespace: 'k2',
  fields: [
    column(
      'rejections',
      array({
        type: 'record',
        name: 'Rejection',
        fields: [
          column('quarantine_id', 'string', 'Stable over re-loads.'),
          column('exchange', 'string', 'Venue code.'),
          column('record_type', 'string', 'trades, quotes or unknown.'),
          column('source', 'string', 'Where it came from.'),
          column('position', 'long', 'Line or offset in the source.'),
          column('reason', 'string', 'Kind of refusal.'),
          column('detail', 'string', 'What was wrong.'),
          column('raw', 'bytes', 'The bytes as received.'),
          column('ingestion_timestamp', 'long', 'Our time, UTC µs.'),
        ],
      }),
      'What a feed could not take.',
    ),
  ],
};

export const BLOCK_SCHEMA = [TRADE_BLOCK_SCHEMA, QUOTE_BLOCK_SCHEMA, REJECTION_BLOCK_SCHEMA];
