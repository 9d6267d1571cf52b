import { HASH_PARTITIONER, partitioner, type PartitionerSpec } from './partitioners.ts';
import {
  COMPRESSIONS,
  FRAMINGS,
  REJECTIONS_TOPIC,
  TOPIC_SETTINGS,
  type Framing,
  type TopicSettings,
  type TopicSpec,
} from './topics.ts';

/** How topics of a pattern are declared. */
export interface TopicRule extends TopicSettings {
  /** A topic's name, with `*` for any one segment: `market.equities.quotes.*`. */
  readonly topics: string;
  readonly partitions: number;
  readonly framing: Framing;
}

/** The first rule whose pattern fits decides. */
export type TopicRules = readonly TopicRule[];

export class TopicRuleError extends Error {
  override readonly name = 'TopicRuleError';
}

const PARTITIONS_MAX = 10_000;
const BLOCKS = { framing: 'block', ...TOPIC_SETTINGS } as const;

/** Several times as many quotes as trades come. What was refused is little, and a person may look for it later. */
export const DEFAULT_TOPIC_RULES: TopicRules = [
  { topics: 'market.*.quotes.*', partitions: 12, ...BLOCKS },
  { topics: 'market.*.trades.*', partitions: 6, ...BLOCKS },
  { topics: REJECTIONS_TOPIC, partitions: 1, ...BLOCKS, retentionMs: 30 * 86_400_000 },
];

/** Throws TopicRuleError where no rule fits. */
export function topicSpecOf(name: string, rules: TopicRules = DEFAULT_TOPIC_RULES): TopicSpec {
  const rule = rules.find(({ topics }) => matches(topics, name));
  if (rule === undefined) {
    const patterns = rules.map(({ topics }) => topics).join(', ');
    throw new TopicRuleError(`no rule is for the topic ${name}: there are rules for ${patterns || 'none'}`);
  }
  const { partitions, framing, retentionMs, retentionBytes, compression, partitioner } = rule;
  return { name, partitions, framing, settings: { retentionMs, retentionBytes, compression, partitioner } };
}

/**
 * The rules of a user's file: `{ "rules": [{ "topics": "market.equities.quotes.*", "partitions": 24 }] }`. A rule needs
 * its pattern; what it leaves out is as in the default rule of each topic that it fits: one that fits quotes and trades
 * becomes a rule for each of them. The default rules follow those of the file. Throws TopicRuleError, which names the
 * place, the value and what was expected, also for a pattern that no topic of K2's can fit.
 */
export function parseTopicRules(json: unknown): TopicRules {
  const { rules } = members(json, 'the topic rules', ['rules']);
  if (!Array.isArray(rules)) throw unexpected('rules', rules, 'a list of rules');
  return [...rules.flatMap((rule: unknown, index) => parseRule(rule, `rules[${index}]`)), ...DEFAULT_TOPIC_RULES];
}

/** One rule for each default that it overlaps, of the topics that both fit. */
function parseRule(json: unknown, path: string): readonly TopicRule[] {
  const given = members(json, path, [...Object.keys(BLOCKS), 'topics', 'partitions']);
  const topics = parsePattern(given['topics'], `${path}.topics`);
  const rules = DEFAULT_TOPIC_RULES.flatMap((base) => {
    const common = intersection(topics, base.topics);
    return common === null ? [] : [ruleOf(given, path, common, base)];
  });
  if (rules.length > 0) return rules;
  const known = DEFAULT_TOPIC_RULES.map((rule) => rule.topics).join(', ');
  throw unexpected(`${path}.topics`, topics, `a pattern that fits topics of K2, which are ${known}`);
}

function ruleOf(given: Readonly<Record<string, unknown>>, path: string, topics: string, base: TopicRule): TopicRule {
  const value = <Value>(key: keyof typeof base, parse: (json: unknown, path: string) => Value) =>
    key in given ? parse(given[key], `${path}.${key}`) : (base[key] as Value);
  const rule = {
    topics,
    partitions: value('partitions', parsePartitions),
    framing: value('framing', oneOf(FRAMINGS)),
    retentionMs: value('retentionMs', parseBound),
    retentionBytes: value('retentionBytes', parseBound),
    compression: value('compression', oneOf(COMPRESSIONS)),
    partitioner: value('partitioner', parsePartitioner),
  };
  if (rule.framing === 'tick' && matches(topics, REJECTIONS_TOPIC)) {
    throw unexpected(`${path}.framing`, 'tick', `block, since ${String(given['topics'])} takes in ${REJECTIONS_TOPIC}`);
  }
  try {
    partitioner(rule.partitioner, rule.partitions);
  } catch (error) {
    throw new TopicRuleError(`${path}.partitioner: ${(error as Error).message}`);
  }
  return rule;
}

/** The pattern of what both patterns fit; null if nothing can. */
function intersection(one: string, other: string): string | null {
  const segments = one.split('.');
  const others = other.split('.');
  const fits = (segment: string, i: number) => segment === '*' || others[i] === '*' || segment === others[i];
  if (segments.length !== others.length || !segments.every(fits)) return null;
  return segments.map((segment, i) => (segment === '*' ? others[i] : segment)).join('.');
}

/** Whether a topic's name is of a pattern. */
function matches(pattern: string, name: string): boolean {
  const expected = pattern.split('.');
  const segments = name.split('.');
  return (
    expected.length === segments.length && expected.every((segment, i) => segment === '*' || segment === segments[i])
  );
}

function parsePattern(json: unknown, path: string): string {
  if (typeof json === 'string' && /^(\*|[a-z0-9_-]+)(\.(\*|[a-z0-9_-]+))*$/.test(json)) return json;
  throw unexpected(path, json, 'a topic as market.equities.quotes.asx, in lower case, * for any one segment');
}

function parsePartitions(json: unknown, path: string): number {
  if (Number.isInteger(json) && (json as number) >= 1 && (json as number) <= PARTITIONS_MAX) return json as number;
  throw unexpected(path, json, `an integer of 1 to ${PARTITIONS_MAX}`);
}

function parseBound(json: unknown, path: string): number | null {
  if (json === null || (Number.isSafeInteger(json) && (json as number) >= 1)) return json as number | null;
  throw unexpected(path, json, 'an integer of 1 or more, or null for no bound');
}

function parsePartitioner(json: unknown, path: string): PartitionerSpec {
  const { kind } = members(json, path, ['kind', 'own', 'shared', 'sharedPartitions']);
  if (oneOf(['hash', 'volume'] as const)(kind, `${path}.kind`) === 'hash') {
    members(json, path, ['kind']);
    return HASH_PARTITIONER;
  }
  const { own = [], shared = [], sharedPartitions = 0 } = json as Readonly<Record<string, unknown>>;
  if (!Number.isInteger(sharedPartitions) || (sharedPartitions as number) < 0) {
    throw unexpected(`${path}.sharedPartitions`, sharedPartitions, 'an integer of 0 or more');
  }
  return {
    kind: 'volume',
    own: parseInstruments(own, `${path}.own`),
    shared: parseInstruments(shared, `${path}.shared`),
    sharedPartitions: sharedPartitions as number,
  };
}

function parseInstruments(json: unknown, path: string): readonly string[] {
  if (!Array.isArray(json)) throw unexpected(path, json, 'a list of instruments as "ASX.BHP"');
  return json.map((instrument: unknown, index) => {
    if (typeof instrument === 'string' && /^[^.]+\../.test(instrument)) return instrument;
    throw unexpected(`${path}[${index}]`, instrument, 'an instrument as "ASX.BHP"');
  });
}

function oneOf<Value extends string>(allowed: readonly Value[]): (json: unknown, path: string) => Value {
  return (json, path) => {
    if (allowed.includes(json as Value)) return json as Value;
    throw unexpected(path, json, `one of ${allowed.join(', ')}`);
  };
}

/** The members of an object, none of them unknown. */
function members(json: unknown, path: string, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw unexpected(path, json, 'an object');
  const unknown = Object.keys(json).find((key) => !known.includes(key));
  if (unknown === undefined) return json as Readonly<Record<string, unknown>>;
  throw new TopicRuleError(`${path}.${unknown} is not known: expected ${known.join(', ')}`);
}

function unexpected(path: string, value: unknown, expected: string): TopicRuleError {
  return new TopicRuleError(`${path} is ${JSON.stringify(value) ?? 'missing'}: expected ${expected}`);
}
