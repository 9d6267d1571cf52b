import { FORMATS, MEDIA_TYPES, type Format } from '../encode/formats.ts';
import { valueProblem, wrongValue, type ProblemError } from './problem.ts';

interface Range {
  readonly type: string;
  readonly quality: number;
}

/**
 * The format that the caller likes best (RFC 9110, 12.5.1): `format` wins over Accept; of equally liked ones the first
 * offered. Throws `not-acceptable`, naming what there is.
 */
export function negotiate(accept: string | undefined, format: string | undefined, offered: readonly Format[]): Format {
  if (format !== undefined) {
    const found = offered.find((one) => one === format);
    if (found !== undefined) return found;
    if (!(FORMATS as readonly string[]).includes(format))
      throw wrongValue('format', format, `one of ${offered.join(', ')}`);
    throw notAcceptable('format', format, offered);
  }
  const ranges = parseAccept(accept);
  if (ranges.length === 0) return offered[0];
  let best: Format | null = null;
  let bestQuality = 0;
  for (const one of offered) {
    const quality = qualityOf(MEDIA_TYPES[one], ranges);
    if (quality > bestQuality) [best, bestQuality] = [one, quality];
  }
  if (best === null) throw notAcceptable('Accept', accept!, offered);
  return best;
}

function notAcceptable(field: 'format' | 'Accept', asked: string, offered: readonly Format[]): ProblemError {
  const there = offered.map((one) => `${MEDIA_TYPES[one]} (format=${one})`).join(', ');
  return valueProblem('not-acceptable', field, asked, `one of ${there}`);
}

/** The most specific range that covers a type decides. */
function qualityOf(mediaType: string, ranges: readonly Range[]): number {
  const patterns = [mediaType, `${mediaType.split('/')[0]}/*`, '*/*'];
  for (const pattern of patterns) {
    const range = ranges.find(({ type }) => type === pattern);
    if (range !== undefined) return range.quality;
  }
  return 0;
}

function parseAccept(accept: string | undefined): readonly Range[] {
  if (accept === undefined || accept.trim() === '') return [];
  return accept.split(',').flatMap((part) => {
    const [type, ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    if (type === '') return [];
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    return [{ type, quality: quality >= 0 && quality <= 1 ? quality : 0 }];
  });
}
