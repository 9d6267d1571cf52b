import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { messageId } from './series.ts';

describe('message_id', () => {
  it('is exchange/symbol/session/source_sequence', () => {
    expect(messageId({ exchange: 'ASX', symbol: 'BHP', session: '2014-03-10' }, 1)).toBe('ASX/BHP/2014-03-10/1');
  });

  it('is different for different ticks, whatever their names hold', () => {
    const part = () => fc.string({ unit: fc.constantFrom('a', '/', '%', '2', 'F'), maxLength: 4 });
    const identity = () => fc.record({ exchange: part(), symbol: part(), session: part(), sequence: fc.nat(9) });
    fc.assert(
      fc.property(identity(), identity(), (a, b) => {
        const isSame = JSON.stringify(a) === JSON.stringify(b);
        expect(messageId(a, a.sequence) === messageId(b, b.sequence)).toBe(isSame);
      }),
    );
  });
});
