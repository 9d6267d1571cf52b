import type { Rejection } from '@k2/domain/lake';
import { DAY_START_US } from '../../builders/index.ts';

export const rejections: readonly Rejection[] = ['BHP,abc,100', '', '\u0000ÿ'].map((line, i) => ({
  quarantineId: `trades.csv:${i}`,
  exchange: 'ASX',
  recordType: i === 0 ? 'trades' : 'unknown',
  source: 'trades.csv',
  position: i,
  reason: 'malformed-row',
  detail: `line ${i} has not the columns it should have`,
  raw: new TextEncoder().encode(line),
  receiveTimeUs: DAY_START_US + i,
}));
