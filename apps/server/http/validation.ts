import { ValidationPipe, type ValidationError } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { ProblemError, shownValue, type FieldError } from './problem.ts';

/** Turns what came into a checked DTO; anything unknown or wrong is a problem that names it. */
export function requestValidation(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    exceptionFactory: (errors) => validationProblem(errors),
  });
}

function validationProblem(errors: readonly ValidationError[]): ProblemError {
  const fields = errors.map(fieldError);
  const detail = fields.map(({ field, value, expected }) => `${field} is ${JSON.stringify(value)}: expected ${expected}`).join('; ');
  return new ProblemError('invalid-request', detail, { errors: fields });
}

function fieldError({ property, value, constraints = {}, target }: ValidationError): FieldError {
  const [kind = '', message = 'a JSON object'] = Object.entries(constraints)[0] ?? [];
  const expected = kind === 'whitelistValidation' ? `only ${knownProperties(target).join(', ')}` : message;
  return { field: property ?? 'body', value: shownValue(value), expected };
}

function knownProperties(target: object | undefined): readonly string[] {
  if (target === undefined) return [];
  const metadata = getMetadataStorage().getTargetValidationMetadatas(target.constructor, '', true, false);
  return [...new Set(metadata.map(({ propertyName }) => propertyName))].sort();
}
