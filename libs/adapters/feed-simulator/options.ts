import { parseTimeUs, TimeError } from '@k2/domain/market';
import { PortError, type MarketFeedErrorKind } from '@k2/ports';

/** Faults are injected at a rate per tick they can befall: 0.001 is one in a thousand. */
export interface SimulatorConfig {
  readonly seed: number;
  /** Of the invented venues SIMX, SIMC, SIMF, SIME, how many. */
  readonly venues: number;
  /** Of each venue. */
  readonly instruments: number;
  /** How unequal activity is: 0 is equal, 1 is like real markets. */
  readonly zipf: number;
  /** Ticks a second, or `max`: as fast as they are pulled. */
  readonly rate: number | 'max';
  /** Distinct ticks of the whole run; `endless` has no end. */
  readonly ticks: number | 'endless';
  /** Venue time of the first tick, UTC µs; `now` is the time of `open`, and venue time then follows the clock. */
  readonly start: number | 'now';
  /** Venue time between two ticks at rate `max` with a start given, µs. */
  readonly step: number;
  /** Label of the first session; empty makes one from the time of the first tick, so that every start is a new one. */
  readonly session: string;
  /** Venue time after which a venue closes and opens a new session, s; 0 is never. */
  readonly rollover: number;
  /** Rows of a batch. */
  readonly rows: number;
  /** How long a tick waits for its batch to fill, ms. */
  readonly batchMs: number;
  /** Lost ticks: 1 to 8 numbers never sent. */
  readonly gaps: number;
  /** Ticks sent again within 50 ms of venue time. */
  readonly duplicates: number;
  /** Ticks sent `lateMs` too late. */
  readonly late: number;
  readonly lateMs: number;
  /** Ticks sent after the next one of their series. */
  readonly reorder: number;
  /** Starts of a new session of the tick's venue. */
  readonly resets: number;
  /**
   * `labelled`: a reset has a new session label. `unlabelled`: the label is always empty; numbers start from 1 again
   * after the venue was quiet for `quiet` s of venue time.
   */
  readonly resetMode: 'labelled' | 'unlabelled';
  readonly quiet: number;
  /** Quotes whose bid is above the ask. */
  readonly crossed: number;
  /** Trades of equities with a price of 0 or below. */
  readonly badPrices: number;
}

interface NumberOption {
  readonly default: number | string;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly whole?: true;
  /** A word that stands beside the numbers. */
  readonly word?: string;
}

const RATE: NumberOption = { default: 0, unit: 'of the ticks it can befall', min: 0, max: 0.5 };

/** Every number there is to set: default, unit and range. */
export const SIMULATOR_NUMBERS = {
  seed: { default: 1, unit: '', min: 0, max: Number.MAX_SAFE_INTEGER, whole: true },
  venues: { default: 4, unit: 'venues', min: 1, max: 4, whole: true },
  instruments: { default: 100, unit: 'instruments of each venue', min: 1, max: 10_000, whole: true },
  zipf: { default: 1, unit: 'exponent', min: 0, max: 3 },
  rate: { default: 1_000, unit: 'ticks/s', min: 1, max: 10_000_000, word: 'max' },
  ticks: { default: 'endless', unit: 'ticks', min: 1, max: 1_000_000_000_000, whole: true, word: 'endless' },
  start: { default: 'now', unit: 'µs since 1970 or an ISO 8601 time', min: 0, max: 8e15, whole: true, word: 'now' },
  step: { default: 20, unit: 'µs', min: 0.001, max: 60_000_000 },
  rollover: { default: 0, unit: 's', min: 0, max: 604_800 },
  rows: { default: 8_192, unit: 'rows', min: 1, max: 65_536, whole: true },
  batchMs: { default: 50, unit: 'ms', min: 1, max: 10_000 },
  gaps: RATE,
  duplicates: RATE,
  late: RATE,
  lateMs: { default: 5_000, unit: 'ms', min: 1, max: 3_600_000 },
  reorder: RATE,
  resets: RATE,
  quiet: { default: 90, unit: 's', min: 60, max: 86_400 },
  crossed: RATE,
  badPrices: RATE,
} as const satisfies Record<string, NumberOption>;

const SESSION_LABEL = /^[\x21-\x2b\x2d-\x7e]{0,64}$/;
const RESET_MODES = ['labelled', 'unlabelled'] as const;
const KEYS = [...Object.keys(SIMULATOR_NUMBERS), 'session', 'resetMode'].sort();

/** The configuration with defaults; throws `misconfigured` naming key, value and what is expected. */
export function simulatorConfig(given: Partial<SimulatorConfig> = {}): SimulatorConfig {
  for (const key of Object.keys(given)) if (!KEYS.includes(key)) throw unknownKey(key);
  const numbers = Object.entries<NumberOption>(SIMULATOR_NUMBERS).map(([key, option]) => {
    const value = given[key as keyof SimulatorConfig] ?? option.default;
    if (value !== option.word && !isInRange(value, option)) throw invalid(key, value, expectedOf(option));
    return [key, value];
  });
  const { session = '', resetMode = 'labelled' } = given;
  if (!SESSION_LABEL.test(session)) throw invalid('session', session, 'at most 64 visible ASCII characters, no comma');
  if (!RESET_MODES.includes(resetMode)) throw invalid('resetMode', resetMode, RESET_MODES.join(' or '));
  const config = { ...(Object.fromEntries(numbers) as unknown as SimulatorConfig), session, resetMode };
  if (resetMode === 'unlabelled' && session !== '') {
    throw invalid('session', session, 'no label where resetMode is unlabelled');
  }
  if (resetMode === 'unlabelled' && config.rollover > 0) {
    throw invalid('rollover', config.rollover, '0 where resetMode is unlabelled: a new session needs a label');
  }
  return config;
}

/** Parses `simulator` or `simulator:key=value,…`, as `simulator:seed=7,rate=5000,gaps=0.001`. */
export function parseSimulatorSpec(spec: string): SimulatorConfig {
  const match = /^simulator(?::(.*))?$/s.exec(spec);
  if (match === null) throw invalid('feed', spec, 'simulator or simulator:key=value,…');
  const given: Record<string, number | string> = {};
  for (const part of (match[1] ?? '').split(',').filter((text) => text !== '')) {
    const [key, value] = [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)];
    if (!part.includes('=')) throw invalid('feed', part, 'key=value');
    if (!KEYS.includes(key)) throw unknownKey(key);
    if (key in given) throw invalid(key, value, 'the key once');
    given[key] = key in SIMULATOR_NUMBERS ? parseNumber(key, value) : value;
  }
  return simulatorConfig(given as Partial<SimulatorConfig>);
}

function parseNumber(key: string, text: string): number | string {
  if (/^-?\d+(\.\d+)?(e-?\d+)?$/i.test(text)) return Number(text);
  if (key !== 'start' || text === 'now') return text;
  try {
    return parseTimeUs(text);
  } catch (error) {
    if (error instanceof TimeError) return text;
    throw error;
  }
}

function isInRange(value: unknown, { min, max, whole }: NumberOption): boolean {
  return typeof value === 'number' && value >= min && value <= max && (whole !== true || Number.isInteger(value));
}

function expectedOf({ min, max, whole, word, unit }: NumberOption): string {
  const range = `${whole === true ? 'a whole number' : 'a number'} from ${min} to ${max}${unit === '' ? '' : ` (${unit})`}`;
  return word === undefined ? range : `${range}, or ${word}`;
}

function invalid(key: string, value: unknown, expected: string): PortError<MarketFeedErrorKind> {
  return new PortError('misconfigured', `simulator: ${key} is ${JSON.stringify(value)}: expected ${expected}`, {
    key,
    value,
  });
}

function unknownKey(key: string): PortError<MarketFeedErrorKind> {
  return new PortError(
    'misconfigured',
    `simulator: ${JSON.stringify(key)} is no key of it: expected one of ${KEYS.join(', ')}`,
    { key },
  );
}
