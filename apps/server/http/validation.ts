import { ValidationPipe, type ArgumentMetadata, type Type, type ValidationError } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { ProblemError, shownValue, type FieldError } from './problem.ts';

/** Turns what came into a checked DTO; anything unknown or wrong is a problem that names it. */
export class RequestValidation extends ValidationPipe {
  private readonly known = new Map<Type, ReadonlySet<string>>();

  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: true,
      exceptionFactory: (errors) => validationProblem(errors.map(fieldError)),
    });
  }

  /**
   * Names are checked before anything is transformed: `__proto__` and `constructor` would be dropped in silence, and
   * the name of a DTO's method would not be missed by the whitelist.
   */
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if ((metadata.type === 'query' || metadata.type === 'body') && metadata.metatype !== undefined) {
      this.refuseUnknown(value, metadata.type, metadata.metatype);
    }
    return super.transform(metadata.type === 'body' ? withoutNulls(value) : value, metadata);
  }

  private refuseUnknown(value: unknown, type: 'query' | 'body', dto: Type): void {
    const known = this.namesOf(dto);
    if (known.size === 0) return;
    if (type === 'body' && (typeof value !== 'object' || value === null || Array.isArray(value))) {
      throw validationProblem([
        { field: 'body', value: shownValue(value), expected: `a JSON object with ${[...known].join(', ')}` },
      ]);
    }
    const unknown = Object.keys(value as object).filter((name) => !known.has(name));
    if (unknown.length === 0) return;
    const expected = `only ${[...known].join(', ')}`;
    const values = value as Readonly<Record<string, unknown>>;
    throw validationProblem(
      unknown.slice(0, 20).map((name) => ({ field: shortened(name), value: shownValue(values[name]), expected })),
    );
  }

  private namesOf(dto: Type): ReadonlySet<string> {
    let names = this.known.get(dto);
    if (names === undefined) {
      const checks = getMetadataStorage().getTargetValidationMetadatas(dto, '', true, false);
      names = new Set(checks.map(({ propertyName }) => propertyName).sort());
      this.known.set(dto, names);
    }
    return names;
  }
}

/** A field that is null is a field that is absent: what has to be there is missed, what may be there is not. */
function withoutNulls(body: unknown): unknown {
  return typeof body === 'object' && body !== null && !Array.isArray(body)
    ? Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
    : body;
}

function validationProblem(errors: readonly FieldError[]): ProblemError {
  const detail = errors
    .map(({ field, value, expected }) => `${field} is ${JSON.stringify(value)}: expected ${expected}`)
    .join('; ');
  return new ProblemError('invalid-request', detail, { errors });
}

function fieldError({ property, value, constraints = {} }: ValidationError): FieldError {
  return {
    field: property ?? 'body',
    value: shownValue(value),
    expected: Object.values(constraints)[0] ?? 'another value',
  };
}

function shortened(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
