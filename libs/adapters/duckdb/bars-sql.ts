import { WIDE_DECIMAL_PRECISION } from '@k2/domain/market';
import { barsFault, type BarPosition } from '@k2/ports';
import type { LocalScan } from './engine-messages.ts';
import { QuestionError, raised } from './question-error.ts';
import { scanRelation } from './scan-sql.ts';
import {
  filterConditions,
  limit,
  Parameters,
  TICK_ORDER,
  where,
  type QuestionOf,
  type Statement,
} from './statement.ts';

/** Far enough that times down to the year -124,783 count upwards from it, near enough that the sum stays an int64. */
const ORIGIN_US = 4_000_000_000_000_000_000n;

/** Bars of trades, each with its exact vwap. Throws QuestionError `invalid-query`. */
export function barsStatement(question: QuestionOf<'bars'>, scan: LocalScan): Statement {
  const fault = barsFault(question);
  if (fault !== null) throw new QuestionError('invalid-query', fault);
  const { after } = question;
  const parameters = new Parameters();
  const conditions = filterConditions(question.filter, parameters);
  if (after !== undefined) conditions.push(`"timestamp" >= ${parameters.time(after.startUs)}`);
  // Windows are counted from an origin before any time there is, as DuckDB's // rounds towards zero.
  const interval = BigInt(question.intervalUs);
  const originUs = (ORIGIN_US / interval) * interval;
  return parameters.statement(`
    WITH trade AS (
      SELECT exchange, symbol, session, "timestamp", price, quantity,
        (epoch_us("timestamp") + ${originUs}) // ${interval} AS bar,
        -- Within a session, time and sequence order the trades, and pack into one cheap key.
        epoch_us("timestamp")::HUGEINT * 9007199254740992 + source_sequence AS place,
        quantity % 1::DECIMAL(1,0) AS fraction,
        abs(price) < 100000 AND abs(quantity) < 100000 AS is_small
      FROM ${scanRelation(scan, [...TICK_ORDER, 'price', 'quantity'])}${where(conditions)}
    ), of_session AS (
      SELECT exchange, symbol, session, bar,
        arg_min(price, place) AS open, max(price) AS high, min(price) AS low, arg_max(price, place) AS close,
        min("timestamp") AS first_timestamp, max("timestamp") AS last_timestamp,
        sum(quantity) AS volume, count(*) AS trade_count, ${NOTIONAL_SUMS}
      FROM trade GROUP BY exchange, symbol, session, bar
    ), bars AS (
      SELECT exchange, symbol, make_timestamptz(bar * ${interval} - ${originUs}) AS bar_start,
        arg_min(open, (first_timestamp, session)) AS open, max(high) AS high, min(low) AS low,
        arg_max(close, (last_timestamp, session)) AS close,
        sum(volume)::DECIMAL(38,8) AS volume, sum(trade_count)::BIGINT AS trade_count,
        sum(of_wholes)::DECIMAL(38,8) AS of_wholes, sum(of_fractions)::DECIMAL(38,16) AS of_fractions
      FROM of_session GROUP BY exchange, symbol, bar${having(after, parameters)} ORDER BY bar_start, exchange, symbol LIMIT ${limit(question)}
    ), ${VWAP}
    SELECT exchange, symbol, bar_start, open, high, low, close, volume, trade_count, ${VWAP_COLUMN}
    FROM rounded ORDER BY bar_start, exchange, symbol`);
}

/** Lexicographic `>` on the order of bars. */
function having(after: BarPosition | undefined, parameters: Parameters): string {
  if (after === undefined) return '';
  const [start, exchange, symbol] = [
    parameters.time(after.startUs),
    parameters.text(after.exchange),
    parameters.text(after.symbol),
  ];
  return ` HAVING bar_start > ${start} OR exchange > ${exchange} OR (exchange = ${exchange} AND symbol > ${symbol})`;
}

/**
 * Σ price × quantity in two sums, as 38 digits hold only 170 products of the largest trades at scale 16: at scale 8 prices
 * by whole quantities, at 16 by what is after the point. Either holds those of 10^10 trades. Small trades, which are nearly
 * all there are, take the cheapest way: whole ones are multiplied in 18 digits, the others at once and not in two parts.
 * Elsewhere one factor is wider than 18 digits, or the product would be computed, and overflow, in 18.
 */
const NOTIONAL_SUMS = `
        coalesce(sum(CASE WHEN is_small AND fraction = 0 THEN price * trunc(quantity) END), 0)
          + coalesce(sum(CASE WHEN NOT is_small THEN price::DECIMAL(19,8) * trunc(quantity) END), 0) AS of_wholes,
        coalesce(sum(CASE WHEN fraction <> 0
          THEN price::DECIMAL(19,8) * CASE WHEN is_small THEN quantity ELSE fraction END END), 0) AS of_fractions`;

/**
 * vwap = notional ÷ volume by long division, half to even at the eighth digit, in integers: DuckDB divides decimals as
 * DOUBLE. All are taken by their digits, and signed so that the divisor is positive: w at scale 8, f at 16, d at 8. The
 * division of w by d gives whole units, that of its remainder and f the eight digits after the point.
 */
const VWAP = `signed AS (
      SELECT *, ${digits('volume')} * sign(volume)::HUGEINT AS d, ${digits('of_wholes')} * sign(volume)::HUGEINT AS w,
        ${digits('of_fractions')} * sign(volume)::HUGEINT AS f FROM bars
    ), units AS (
      SELECT *, ${quotient('w', 'd')} AS u FROM signed
    ), remainders AS (
      SELECT *, (w - u * d) * 100000000 + f AS r FROM units
    ), estimated AS (
      SELECT *, ${quotient('r', 'd')} AS e FROM remainders
    ), floored AS (
      SELECT *, e + CASE WHEN r - e * d < 0 THEN -1 WHEN r - e * d >= d THEN 1 ELSE 0 END AS q FROM estimated
    ), rounded AS (
      SELECT *, CASE WHEN abs(u) < 1600000000000000000000000000000 THEN u * 100000000 + q
        + CASE WHEN 2 * (r - q * d) > d OR (2 * (r - q * d) = d AND q % 2 <> 0) THEN 1 ELSE 0 END END AS v FROM floored
    )`;

const TOO_WIDE = raised(
  `'the vwap of the bar of ' || exchange || ' ' || symbol || ' from ' || bar_start || ' has more than ${WIDE_DECIMAL_PRECISION} digits: its quantities, some of them negative, nearly cancel out; ask for another interval'`,
);

const VWAP_COLUMN = `CASE WHEN d = 0 THEN NULL
        WHEN v IS NULL OR abs(v) >= 1${'0'.repeat(WIDE_DECIMAL_PRECISION)}::HUGEINT THEN ${TOO_WIDE}
        ELSE v::DECIMAL(38,0) * 0.00000001::DECIMAL(9,8) END AS vwap`;

function digits(decimal: string): string {
  return `replace(${decimal}::VARCHAR, '.', '')::HUGEINT`;
}

/** At most one off; below 2^50 by way of DOUBLE: dividing HUGEINTs takes ten times as long. Null where the divisor is 0. */
function quotient(dividend: string, divisor: string): string {
  const estimate = `floor(${dividend}::DOUBLE / ${divisor}::DOUBLE)`;
  return `CASE WHEN ${divisor} = 0 THEN NULL WHEN abs(${estimate}) < 1125899906842624 THEN ${estimate}::HUGEINT ELSE ${dividend} // ${divisor} END`;
}
