import { SystemClock, SystemRandom, SystemScheduler } from '@k2/adapter-system';
import { recordSchemaOf, topicSpecOf } from '@k2/domain/wire';
import { checkSchemas, type SchemaCheck } from '@k2/usecases';
import { chooseAdapters } from './adapter-choice.ts';
import type { Settings } from './settings.ts';
import { topicRules } from './topic-rules.ts';

const SUBJECT = /^((?:market\.[a-z]+\.[a-z]+|audit)\.[a-z0-9_-]+)-value$/;

/** Holds what this program writes against every subject of K2's topics in the registry; changes nothing. */
export async function checkRegisteredSchemas(settings: Settings): Promise<readonly SchemaCheck[]> {
  const { openSchemaRegistry } = await import('./modules/schema-registry.ts');
  const clock = new SystemClock();
  const registry = await openSchemaRegistry(settings, {
    clock,
    random: new SystemRandom(clock),
    scheduler: new SystemScheduler(),
  });
  try {
    const rules = await topicRules(settings, { ...chooseAdapters(settings), log: 'kafka' });
    const subjects = (await registry.subjects()).filter((subject) => SUBJECT.test(subject));
    const written = subjects.map((subject) => {
      const topic = SUBJECT.exec(subject)![1];
      return { subject, schema: recordSchemaOf(topic, topicSpecOf(topic, rules).framing) };
    });
    return await checkSchemas(registry, written);
  } finally {
    await registry.close();
  }
}
