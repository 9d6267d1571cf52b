import { describeAlterationJson } from '@k2/domain/lake';
import type { InspectionReport } from '@k2/usecases';
import { count, printCount } from './describe-provenance.ts';

/** `found 1 alteration, 3 of 12 files without a digest`. */
export function describeInspection({ alterations, files, uncheckedFiles }: InspectionReport): string {
  const found = alterations.length === 0 ? 'no alteration' : count(alterations.length, 'alteration');
  return `found ${found}, ${printCount(uncheckedFiles)} of ${count(files, 'file')} without a digest`;
}

/** A line for each. */
export function describeAlterations({ table, alterations }: InspectionReport): readonly string[] {
  return alterations.map((one) => `${table}: ${describeAlterationJson(one)}; answers over them say ${one.kind}`);
}
