import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, ValidateBy } from 'class-validator';

export interface Check {
  readonly description: string;
  /** As in "limit is 0: expected …". */
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly example?: unknown;
}

/** A text that its schema describes in full. */
export function fits(schema: {
  readonly type: 'string';
  readonly pattern: string;
  readonly maxLength: number;
}): Pick<Check, 'holds' | 'schema'> {
  const { pattern, maxLength } = schema;
  const expression = new RegExp(pattern, 'u');
  const isShort = new RegExp(`^[^]{0,${maxLength}}$`, 'u');
  // Lengths are of code points (JSON Schema), of which a text has no more than UTF-16 units and no less than half.
  const holds = (value: unknown) =>
    typeof value === 'string' && value.length <= 2 * maxLength && isShort.test(value) && expression.test(value);
  return { schema, holds };
}

/** A request's value: checked, described to people in the OpenAPI document, and named in problems. */
export function Checked(check: Check & { readonly required?: boolean }): PropertyDecorator {
  const { description, expected, holds, schema, example, required = false } = check;
  const documented = { description, ...schema, ...(example !== undefined && { example }) };
  const validate = ValidateBy({ name: 'checked', validator: { validate: holds, defaultMessage: () => expected } });
  return required
    ? applyDecorators(ApiProperty(documented), validate)
    : applyDecorators(ApiPropertyOptional(documented), IsOptional(), validate);
}
