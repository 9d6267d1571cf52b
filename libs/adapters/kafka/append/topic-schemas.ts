import { recordSchemaOf, type BlockPayload } from '@k2/domain/wire';
import { isPortError, PortError, type SchemaRegistry } from '@k2/ports';
import type { KnownTopic } from '../topics/topic-table.ts';

/** Ids of the schemas that K2 writes, by subject `<topic>-value`; registered when they are first needed. */
export class TopicSchemas {
  private readonly registry: SchemaRegistry;
  private readonly ids = new Map<string, Promise<number>>();

  constructor(registry: SchemaRegistry) {
    this.registry = registry;
  }

  idFor({ name, kafkaTopic, framing }: KnownTopic, payload: BlockPayload): Promise<number> {
    if (framing === 'tick') assertTicksOf(name, payload);
    const subject = `${kafkaTopic}-value`;
    let id = this.ids.get(subject);
    if (id === undefined) {
      id = this.register(name, subject, recordSchemaOf(name, framing));
      this.ids.set(subject, id);
      id.catch(() => this.ids.delete(subject));
    }
    return id;
  }

  private async register(topic: string, subject: string, schema: string): Promise<number> {
    try {
      // Before the first version: of two programs that start at once with other schemas one is refused.
      await this.registry.enforceCompatibility(subject);
      return await this.registry.register(subject, schema);
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      const message = `nothing can be appended to topic ${topic}: the schema registry refused ${subject}: ${detail}`;
      const retryable = isPortError(cause) && cause.retryable;
      throw new PortError('unavailable', message, { topic, subject }, { retryable, cause });
    }
  }
}

/** A tick says by its schema alone what it is. */
function assertTicksOf(topic: string, payload: BlockPayload): void {
  const type = payload.kind === 'ticks' ? payload.batch.recordType : payload.kind;
  if (topic.split('.')[2] === type) return;
  const message = `topic ${topic} is in tick framing and has a schema of its own: no ${type} can be appended to it`;
  throw new PortError('unavailable', message, { topic, type });
}
