import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DEFAULT_TOPIC_RULES, parseTopicRules, TOPIC_SETTINGS, TopicRuleError, type TopicRules } from '@k2/domain/wire';
import { PortError } from '@k2/ports';
import type { AdapterChoice } from './adapter-choice.ts';
import type { Settings } from './settings.ts';

/** One process reads what it writes: partitions would only make blocks smaller. */
const EMBEDDED_TOPIC_RULES: TopicRules = [
  { topics: 'market.*.*.*', partitions: 1, framing: 'block', ...TOPIC_SETTINGS },
  { topics: 'audit.*', partitions: 1, framing: 'block', ...TOPIC_SETTINGS },
];

/** Partitions, framing and retention by topic: those of the file that the settings name, or those that suit the log. */
export async function topicRules(settings: Settings, { log }: AdapterChoice): Promise<TopicRules> {
  if (settings.topicsFile === '')
    return log === 'sqlite' || log === 'memory' ? EMBEDDED_TOPIC_RULES : DEFAULT_TOPIC_RULES;
  const path = resolve(settings.topicsFile);
  try {
    return parseTopicRules(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const isRule = cause instanceof TopicRuleError;
    const detail = isRule ? cause.message : `it cannot be read as JSON: ${(cause as Error).message}`;
    throw new PortError('misconfigured', `K2_TOPICS_FILE ${path}: ${detail}`, { path }, { cause });
  }
}
