import { PortError, type CompatibilityReport, type RegisteredSchema, type SchemaRegistry } from '@k2/ports';

/** Ids by schema text, shared by everyone who was given the same one; can be made to fail. */
export class FakeRegistry implements SchemaRegistry {
  failure: PortError | null = null;
  private readonly schemas: string[] = [];

  async register(_subject: string, schema: string): Promise<number> {
    this.assertThere();
    const known = this.schemas.indexOf(schema);
    return known >= 0 ? FIRST_ID + known : FIRST_ID + this.schemas.push(schema) - 1;
  }

  async schemaById(schemaId: number): Promise<string> {
    this.assertThere();
    const schema = this.schemas[schemaId - FIRST_ID];
    if (schema === undefined) throw new PortError('unknown-schema', `no schema has id ${schemaId}`, { schemaId });
    return schema;
  }

  latest(): Promise<RegisteredSchema> {
    throw new Error('not used');
  }

  async find(): Promise<RegisteredSchema | null> {
    return null;
  }

  check(): Promise<CompatibilityReport> {
    throw new Error('not used');
  }

  async enforceCompatibility(): Promise<void> {}

  async subjects(): Promise<readonly string[]> {
    return [];
  }

  async close(): Promise<void> {}

  private assertThere(): void {
    if (this.failure !== null) throw this.failure;
  }
}

/** Not 0, which bytes that are no id at all often are. */
const FIRST_ID = 100_001;
