import { expect, it } from '@jest/globals';
import { DECIMAL_SCALED_MAX, LOG_OFFSETS_MAX, parseTimeUs, platformSequence, US_PER_DAY } from '@k2/domain/market';
import fc from 'fast-check';
import {
  arbitraryTickBatch,
  DAY_START_US,
  FAR_OFFSETS,
  gapRecord,
  gapRow,
  placed,
  quarantineRecord,
  quarantineRow,
  quoteBatch,
  series,
  sessionRecord,
  sessionRow,
  tickRows,
  tradeBatch,
} from '../../builders/index.ts';
import { expectRows, QUOTES, TRADES, type TickStoreBenches } from './bench.ts';

const MAX_SEQUENCE = Number.MAX_SAFE_INTEGER;
const LONG_TEXT = 'é'.repeat(10_000);

/** What goes in comes out: every field, exactly. */
export function roundTripCases(benches: TickStoreBenches): void {
  it('5.1 trades come back exactly: extreme decimals, sequences beyond 2^32, unicode, empty, long', async () => {
    const bench = await benches.open();
    const batch = () =>
      placed(
        tradeBatch({
          rows: [
            { price: DECIMAL_SCALED_MAX, quantity: 1n, venueSequence: MAX_SEQUENCE },
            { price: -DECIMAL_SCALED_MAX, quantity: -1n, venueSequence: 0 },
            { price: -3_763_000_000n, quantity: 0n, aggressorSide: 'UNKNOWN', tradeId: null },
            { tradeId: LONG_TEXT, conditions: ['', 'é', 'a,b', '"', LONG_TEXT], aggressorSide: 'SELL' },
            { vendorData: { '': '', 'k\u{1F600}': 'line\nbreak', long: LONG_TEXT, json: '{"a":1}' }, conditions: [''] },
            { vendorData: {}, series: series({ symbol: '\u{1F600}', session: '', currency: '' }) },
            { series: series({ symbol: 'B/H%P', exchange: 'X/Y Z=1', assetClass: 'options' }) },
          ],
        }),
      );
    await bench.commit(await bench.claim(), 1, { ticks: [batch()] });
    expectRows(await bench.rows(TRADES), tickRows(batch()));
  });

  it('5.2 quotes come back exactly, empty sides too', async () => {
    const bench = await benches.open();
    const batch = () =>
      placed(
        quoteBatch({
          rows: [
            { bidPrice: DECIMAL_SCALED_MAX, askPrice: -DECIMAL_SCALED_MAX, venueSequence: MAX_SEQUENCE },
            { bidPrice: 0n, bidQuantity: 0n, quoteId: null },
            { askPrice: 99_999_999n, askQuantity: 0n, quoteId: LONG_TEXT, vendorData: { depth: '1' } },
          ],
        }),
      );
    await bench.commit(await bench.claim(), 1, { ticks: [batch()] });
    expectRows(await bench.rows(QUOTES), tickRows(batch()));
  });

  it('5.3 times come back to the µs: around midnight, before 1970, in the far future', async () => {
    const bench = await benches.open();
    const times = [
      DAY_START_US - 1,
      DAY_START_US,
      DAY_START_US + US_PER_DAY - 1,
      -1,
      0,
      parseTimeUs('2199-12-31T23:59:59.999999'),
    ];
    const batch = () => placed(tradeBatch({ rows: times.map((eventTimeUs) => ({ eventTimeUs })) }));
    await bench.commit(await bench.claim(), 1, { ticks: [batch()] });
    expectRows(await bench.rows(TRADES), tickRows(batch()));
    const day = { fromUs: -US_PER_DAY, toUs: 0 };
    expect((await bench.rows(TRADES, day)).map((row) => row['timestamp'])).toContain(-1);
  });

  it('5.4 gaps, sessions and quarantined rows come back exactly, bytes too', async () => {
    const bench = await benches.open();
    const gaps = [
      gapRecord(),
      gapRecord({ status: 'filled', sequenceTo: MAX_SEQUENCE, session: '', recordType: 'quotes' }),
    ];
    const sessions = [
      sessionRecord(),
      sessionRecord({ sequenceOrigin: 'arrival', openedBy: 'reset', symbol: '\uFFFD' }),
    ];
    const quarantine = [
      quarantineRecord({ raw: Uint8Array.from({ length: 256 }, (_, byte) => byte) }),
      quarantineRecord({ quarantineId: 'q-2', recordType: 'unknown', raw: new Uint8Array(), detail: LONG_TEXT }),
    ];
    await bench.commit(await bench.claim(), 1, { gaps, sessions, quarantine });
    expectRows(await bench.rows('audit.sequence_gaps'), gaps.map(gapRow));
    expectRows(await bench.rows('audit.sessions'), sessions.map(sessionRow));
    expectRows(await bench.rows('audit.quarantine'), quarantine.map(quarantineRow));
  });

  it('5.5 any batches, mixed in one commit, come back exactly', async () => {
    const batches = fc.array(arbitraryTickBatch(10), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(batches, async (all) => {
        const bench = await benches.open();
        const rowsOf = (recordType: string) =>
          all.flatMap((batch, offset) => (batch.recordType === recordType ? tickRows(placed(batch, offset)) : []));
        const expected = { trades: rowsOf('trades'), quotes: rowsOf('quotes') };
        await bench.commit(await bench.claim(), all.length, {
          ticks: all.map((batch, offset) => placed(structuredClone(batch), offset)),
        });
        expectRows(await bench.rows(TRADES), expected.trades);
        expectRows(await bench.rows(QUOTES), expected.quotes);
        await benches.close();
      }),
      { numRuns: 15 },
    );
  });

  it('5.6 a full batch of 65,536 rows comes back, every row once', async () => {
    const bench = await benches.open();
    const batch = tradeBatch({ count: 65_536 });
    await bench.commit(await bench.claim(), 1, { ticks: [placed(batch)] });
    const sequences = (await bench.rows(TRADES)).map((row) => Number(row['source_sequence'])).sort((a, b) => a - b);
    expect(sequences).toEqual(Array.from({ length: 65_536 }, (_, row) => row + 1));
  });
  it('5.7 hundreds of batches of one row, as a log of single ticks gives them, are one commit', async () => {
    const bench = await benches.open();
    const batches = () =>
      Array.from({ length: 300 }, (_, offset) => {
        const options = { count: 1, firstSequence: offset, series: { symbol: `S${offset % 7}` } };
        return placed(offset % 3 === 0 ? quoteBatch(options) : tradeBatch(options), offset);
      });
    const receipt = await bench.commit(await bench.claim(), 300, { ticks: batches() });
    expect(receipt.rowCount).toBe(300);
    const rowsOf = (recordType: string) =>
      batches()
        .filter(({ batch }) => batch.recordType === recordType)
        .flatMap(tickRows);
    expectRows(await bench.rows(TRADES), rowsOf('trades'));
    expectRows(await bench.rows(QUOTES), rowsOf('quotes'));
    expect(await bench.store.snapshots(TRADES, 10)).toHaveLength(1);
  });

  it('5.8 positions in the log come back exactly, beyond 2^53 too', async () => {
    const bench = await benches.open();
    const ticks = () =>
      FAR_OFFSETS.flatMap((offset, at) => [
        placed(tradeBatch({ firstSequence: 1 + 3 * at }), offset),
        placed(quoteBatch({ firstSequence: 1 + 3 * at }), offset),
      ]);
    const far = FAR_OFFSETS.map((offset) => platformSequence(offset, 65_535));
    const gaps = far.map((position, at) => gapRecord({ sequenceFrom: at, platformSequence: position }));
    const sessions = far.map((position, at) => sessionRecord({ symbol: `S${at}`, platformSequence: position }));
    const quarantine = far.map((position, at) =>
      quarantineRecord({ quarantineId: `q-${at}`, position, platformSequence: position }),
    );
    await bench.commit(await bench.claim(), LOG_OFFSETS_MAX, { ticks: ticks(), gaps, sessions, quarantine });
    const rowsOf = (type: string) => ticks().flatMap((of) => (of.batch.recordType === type ? tickRows(of) : []));
    expectRows(await bench.rows(TRADES), rowsOf('trades'));
    expectRows(await bench.rows(QUOTES), rowsOf('quotes'));
    expectRows(await bench.rows('audit.sequence_gaps'), gaps.map(gapRow));
    expectRows(await bench.rows('audit.sessions'), sessions.map(sessionRow));
    expectRows(await bench.rows('audit.quarantine'), quarantine.map(quarantineRow));
  });
}
