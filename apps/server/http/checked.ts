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

/** A request's value: checked, described to people in the OpenAPI document, and named in problems. */
export function Checked(check: Check & { readonly required?: boolean }): PropertyDecorator {
  const { description, expected, holds, schema, example, required = false } = check;
  const documented = { description, ...schema, ...(example !== undefined && { example }) };
  const validate = ValidateBy({ name: 'checked', validator: { validate: holds, defaultMessage: () => expected } });
  return required
    ? applyDecorators(ApiProperty(documented), validate)
    : applyDecorators(ApiPropertyOptional(documented), IsOptional(), validate);
}
