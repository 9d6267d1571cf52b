import { ValidationPipe, type ArgumentMetadata, type Type, type ValidationError } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { ProblemError, type FieldError } from './problem.ts';
import { quotedValue, shortened, shownValue } from './shown-value.ts';

/** The query of a route that has no parameters: any is refused, as it would have no effect. */
export class NoParameters {}

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
    const { type, metatype } = metadata;
    if ((type === 'query' || type === 'body') && metatype !== undefined && this.toValidate(metadata)) {
      this.refuseUnknown(value, type, metatype);
      if (metatype === NoParameters) return new NoParameters();
    }
    return super.transform(type === 'body' ? withoutNulls(value) : value, metadata);
  }

  private refuseUnknown(value: unknown, type: 'query' | 'body', dto: Type): void {
    const known = this.namesOf(dto);
    if (type === 'body' && (typeof value !== 'object' || value === null || Array.isArray(value))) {
      throw validationProblem([
        { field: 'body', value: shownValue(value), expected: `a JSON object with ${[...known].join(', ')}` },
      ]);
    }
    const unknown = Object.keys(value as object).filter((name) => !known.has(name));
    if (unknown.length === 0) return;
    const expected = known.size === 0 ? 'no parameters' : `only ${[...known].join(', ')}`;
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
    .map(({ field, value, expected }) => `${field} is ${quotedValue(value)}: expected ${expected}`)
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
