import { describe, expect, it } from '@jest/globals';
import { ASSET_CLASSES, RECORD_TYPES } from '../market/index.ts';
import {
  DEFAULT_TOPIC_RULES,
  HASH_PARTITIONER,
  parseTopicRules,
  REJECTIONS_TOPIC,
  TOPIC_SETTINGS,
  topicSpecOf,
  tickTopic,
  TopicRuleError,
} from './index.ts';

const parsed = (...rules: unknown[]) => parseTopicRules(JSON.parse(JSON.stringify({ rules })));

describe('topic rules', () => {
  it('have a default for every topic that K2 writes', () => {
    for (const assetClass of ASSET_CLASSES) {
      for (const recordType of RECORD_TYPES) {
        const name = tickTopic(assetClass, recordType, 'ASX');
        expect(topicSpecOf(name)).toMatchObject({ name, framing: 'block', settings: TOPIC_SETTINGS });
      }
    }
    expect(topicSpecOf(REJECTIONS_TOPIC)).toMatchObject({ partitions: 1, framing: 'block' });
  });

  it('apply in order, the first that fits, those of a file before the defaults', () => {
    const rules = parsed(
      { topics: 'market.equities.quotes.asx', partitions: 24, framing: 'tick' },
      { topics: 'market.equities.*.*', partitions: 3, retentionMs: null, retentionBytes: 1_000, compression: 'lz4' },
    );
    expect(topicSpecOf('market.equities.quotes.asx', rules)).toEqual({
      name: 'market.equities.quotes.asx',
      partitions: 24,
      framing: 'tick',
      settings: TOPIC_SETTINGS,
    });
    expect(topicSpecOf('market.equities.trades.asx', rules)).toMatchObject({
      partitions: 3,
      settings: { retentionMs: null, retentionBytes: 1_000, compression: 'lz4', partitioner: HASH_PARTITIONER },
    });
    expect(topicSpecOf('market.crypto.trades.kraken', rules)).toEqual(topicSpecOf('market.crypto.trades.kraken'));
  });

  it('leave what a rule of the file does not say as it is by default', () => {
    const [rule] = parsed({ topics: REJECTIONS_TOPIC, compression: 'none' });
    expect(rule).toEqual({ ...DEFAULT_TOPIC_RULES.at(-1), compression: 'none' });
  });

  it('inherit by topic class what a pattern that spans several does not say', () => {
    const rules = parsed({ topics: 'market.crypto.*.*', framing: 'tick' });
    expect(topicSpecOf('market.crypto.quotes.kraken', rules)).toMatchObject({ partitions: 12, framing: 'tick' });
    expect(topicSpecOf('market.crypto.trades.kraken', rules)).toMatchObject({ partitions: 6, framing: 'tick' });
    expect(topicSpecOf('market.equities.trades.asx', rules)).toEqual(topicSpecOf('market.equities.trades.asx'));
    const everywhere = parsed({ topics: '*.*', retentionBytes: 1_000 });
    expect(topicSpecOf(REJECTIONS_TOPIC, everywhere).settings).toMatchObject({
      retentionBytes: 1_000,
      retentionMs: 30 * 86_400_000,
    });
  });

  it('take a volume partitioner', () => {
    const partitioner = { kind: 'volume', own: ['ASX.BHP'], shared: ['ASX.CBA'], sharedPartitions: 1 };
    const [rule] = parsed({ topics: 'market.equities.trades.asx', partitions: 8, partitioner });
    expect(rule.partitioner).toEqual(partitioner);
  });

  it('match whole segments only, and say so where none fits', () => {
    expect(() => topicSpecOf('market.equities.quotes', DEFAULT_TOPIC_RULES)).toThrow(
      'no rule is for the topic market.equities.quotes: there are rules for market.*.quotes.*, ',
    );
    expect(() => topicSpecOf('market.equities.quotes.asx.old')).toThrow(TopicRuleError);
  });

  it.each([
    [[], 'the topic rules is []: expected an object'],
    [{}, 'rules is missing: expected a list of rules'],
    [{ rules: [], topics: [] }, 'the topic rules.topics is not known: expected rules'],
    [{ rules: ['x'] }, 'rules[0] is "x": expected an object'],
    [{ rules: [{ partitions: 3 }] }, 'rules[0].topics is missing: expected a topic as market.equities.quotes.asx'],
    [{ rules: [{ topics: 'market.**' }] }, 'rules[0].topics is "market.**"'],
    [{ rules: [{ topics: 'market.Equities.*' }] }, 'rules[0].topics is "market.Equities.*"'],
    [
      { rules: [{ topics: 'market.equities.quotes' }] },
      'rules[0].topics is "market.equities.quotes": expected a pattern that fits topics of K2, which are market.*.quotes.*',
    ],
    [{ rules: [{ topics: 'market.equities.candles.*' }] }, 'rules[0].topics is "market.equities.candles.*": expected'],
    [{ rules: [{ topics: 'a', partition: 3 }] }, 'rules[0].partition is not known: expected'],
    [
      { rules: [{ topics: 'audit.*' }, { topics: '*.*', partitions: '8' }] },
      'rules[1].partitions is "8": expected an integer',
    ],
    [{ rules: [{ topics: 'audit.*', partitions: 0 }] }, 'rules[0].partitions is 0: expected an integer of 1 to 10000'],
    [{ rules: [{ topics: 'audit.*', framing: 'json' }] }, 'rules[0].framing is "json": expected one of block, tick'],
    [{ rules: [{ topics: '*.*', framing: 'tick' }] }, 'expected block, since *.* takes in audit.rejections'],
    [{ rules: [{ topics: 'audit.*', compression: null }] }, 'rules[0].compression is null: expected one of none, gzip'],
    [
      { rules: [{ topics: 'audit.*', retentionMs: -1 }] },
      'rules[0].retentionMs is -1: expected an integer of 1 or more, or null',
    ],
    [{ rules: [{ topics: 'audit.*', retentionBytes: 1.5 }] }, 'rules[0].retentionBytes is 1.5'],
    [{ rules: [{ topics: 'audit.*', partitioner: 'hash' }] }, 'rules[0].partitioner is "hash": expected an object'],
    [{ rules: [{ topics: 'audit.*', partitioner: { kind: 'x' } }] }, 'rules[0].partitioner.kind is "x"'],
    [
      { rules: [{ topics: 'audit.*', partitioner: { kind: 'hash', own: [] } }] },
      'rules[0].partitioner.own is not known',
    ],
    [
      { rules: [{ topics: 'audit.*', partitioner: { kind: 'volume', own: ['BHP'] } }] },
      'rules[0].partitioner.own[0] is "BHP": expected an instrument as "ASX.BHP"',
    ],
    [
      { rules: [{ topics: 'audit.*', partitions: 2, partitioner: { kind: 'volume', own: ['A.B', 'A.C'] } }] },
      'rules[0].partitioner: the volume partitioner needs 3 partitions (2 own, 0 shared, 1 for the rest): the topic has 2',
    ],
  ])('refuse %j', (json, message) => {
    expect(() => parseTopicRules(json)).toThrow(TopicRuleError);
    expect(() => parseTopicRules(json)).toThrow(message);
  });
});
