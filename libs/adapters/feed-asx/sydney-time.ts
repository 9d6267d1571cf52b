import { dayNumber, US_PER_DAY, US_PER_SECOND } from '@k2/domain/market';

/**
 * One Sydney calendar day on the UTC axis. On two days a year the offset changes within the day; there
 * `changeUs` is the instant of the change and `offsetBeforeUs` ≠ `offsetAfterUs`.
 */
export interface SydneyDay {
  /** The day's midnight as if it were UTC; local time is this + µs of the day. */
  readonly midnightUs: number;
  readonly offsetBeforeUs: number;
  readonly offsetAfterUs: number;
  /** UTC instant from which `offsetAfterUs` holds; null on a day of one offset. */
  readonly changeUs: number | null;
}

/** Offsets of Australia/Sydney by date, from the time zone data of the runtime (`Intl`), computed once for a date. */
export class SydneyCalendar {
  private readonly days = new Map<number, SydneyDay>();
  private readonly format = new Intl.DateTimeFormat('en-US', {
    timeZone: 'Australia/Sydney',
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });

  /** `day` is days since 1970-01-01, as `dayNumber` gives them. */
  day(day: number): SydneyDay {
    const known = this.days.get(day);
    if (known !== undefined) return known;
    const found = this.find(day);
    this.days.set(day, found);
    return found;
  }

  private find(day: number): SydneyDay {
    const midnightUs = day * US_PER_DAY;
    const offsetBeforeUs = this.offsetAtUs(midnightUs - this.offsetAtUs(midnightUs - US_PER_DAY));
    const startUs = midnightUs - offsetBeforeUs;
    const offsetAfterUs = this.offsetAtUs(startUs + US_PER_DAY);
    const changeUs = offsetAfterUs === offsetBeforeUs ? null : this.changeUs(startUs, startUs + US_PER_DAY);
    return { midnightUs, offsetBeforeUs, offsetAfterUs, changeUs };
  }

  /** Halves the interval down to the second at which the offset is no longer that of its start. */
  private changeUs(fromUs: number, toUs: number): number {
    const before = this.offsetAtUs(fromUs);
    let low = fromUs / US_PER_SECOND;
    let high = toUs / US_PER_SECOND;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAtUs(middle * US_PER_SECOND) === before) low = middle;
      else high = middle;
    }
    return high * US_PER_SECOND;
  }

  /** Local time less UTC, at an instant in whole seconds. */
  private offsetAtUs(utcUs: number): number {
    const part = new Map(this.format.formatToParts(utcUs / 1_000).map(({ type, value }) => [type, Number(value)]));
    const days = dayNumber(part.get('year')!, part.get('month')!, part.get('day')!);
    const seconds = (part.get('hour')! * 60 + part.get('minute')!) * 60 + part.get('second')!;
    return days * US_PER_DAY + seconds * US_PER_SECOND - utcUs;
  }
}

export const NONEXISTENT = Number.NaN;

/**
 * Turns the local times of one day, in file order, into UTC.
 *
 * An hour that occurs twice (02:00–03:00 on the first Sunday of April) is read in the file's order: the first pass has
 * the earlier offset, and from the first row whose time is before that of a row above it, the hour is in its second
 * pass. An hour that does not exist (first Sunday of October) gives NONEXISTENT.
 */
export class SydneyDayClock {
  readonly day: SydneyDay;
  private latestUs = -1;
  private secondPass = false;

  constructor(day: SydneyDay) {
    this.day = day;
  }

  /** `timeOfDayUs` is local, below 24 h. NaN where that local time does not exist. */
  toUtcUs(timeOfDayUs: number): number {
    const { midnightUs, offsetBeforeUs, offsetAfterUs, changeUs } = this.day;
    const localUs = midnightUs + timeOfDayUs;
    if (changeUs === null) return localUs - offsetBeforeUs;
    const asBeforeUs = localUs - offsetBeforeUs;
    const asAfterUs = localUs - offsetAfterUs;
    if (asBeforeUs >= changeUs && asAfterUs < changeUs) return NONEXISTENT;
    const twice = asBeforeUs < changeUs && asAfterUs >= changeUs;
    const steppedBack = timeOfDayUs < this.latestUs;
    // `latestUs` is not lowered by a step back, so what follows stays in the second pass until the hour is over.
    if (timeOfDayUs > this.latestUs) this.latestUs = timeOfDayUs;
    if (!twice) return asBeforeUs < changeUs ? asBeforeUs : asAfterUs;
    if (steppedBack) this.secondPass = true;
    return this.secondPass ? asAfterUs : asBeforeUs;
  }
}
