import { PortError, isPortError, type Clock } from '@k2/ports';

export interface KnownSchemasOptions {
  /** Schemas kept, and ids kept as unknown; at the bound the one asked for longest ago goes. */
  readonly schemasMax: number;
  /** How long an id that the registry did not know is not asked for again. */
  readonly unknownForMs: number;
  readonly clock: Clock;
}

/**
 * Schemas by id, each asked for once: an id always means the same schema, and callers who ask while an answer is on
 * its way share it. That nobody knows an id holds for a while only, but that while keeps a stream of bad records from
 * becoming a stream of requests. Other failures are not kept.
 */
export class KnownSchemas {
  private readonly options: KnownSchemasOptions;
  private readonly ask: (schemaId: number) => Promise<string>;
  private readonly texts = new Map<number, string>();
  private readonly unknownUntilUs = new Map<number, number>();
  private readonly asked = new Map<number, Promise<string>>();

  constructor(options: KnownSchemasOptions, ask: (schemaId: number) => Promise<string>) {
    this.options = options;
    this.ask = ask;
  }

  async text(schemaId: number): Promise<string> {
    const known = this.texts.get(schemaId);
    if (known !== undefined) {
      keep(this.texts, schemaId, known, this.options.schemasMax);
      return known;
    }
    if ((this.unknownUntilUs.get(schemaId) ?? -Infinity) > this.options.clock.monotonicUs()) throw unknown(schemaId);
    const asked = this.asked.get(schemaId) ?? this.fetch(schemaId).finally(() => this.asked.delete(schemaId));
    this.asked.set(schemaId, asked);
    return asked;
  }

  private async fetch(schemaId: number): Promise<string> {
    const { schemasMax, unknownForMs, clock } = this.options;
    try {
      const text = await this.ask(schemaId);
      this.unknownUntilUs.delete(schemaId);
      keep(this.texts, schemaId, text, schemasMax);
      return text;
    } catch (error) {
      if (isPortError(error, 'unknown-schema')) {
        keep(this.unknownUntilUs, schemaId, clock.monotonicUs() + unknownForMs * 1_000, schemasMax);
      }
      throw error;
    }
  }
}

export function unknown(schemaId: number): PortError {
  const message = `the schema registry has no schema ${schemaId}: was the record written with another registry?`;
  return new PortError('unknown-schema', message, { schemaId });
}

/** As the newest. */
function keep<Value>(values: Map<number, Value>, key: number, value: Value, countMax: number): void {
  values.delete(key);
  values.set(key, value);
  for (const oldest of values.keys()) {
    if (values.size <= countMax) return;
    values.delete(oldest);
  }
}
