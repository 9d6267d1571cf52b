import { describeAlterationJson } from '@k2/domain/lake';
import type { TableName } from '@k2/domain/market';
import type { Telemetry } from '@k2/ports';
import { ALTERATION_KINDS, type FoundAlteration, type InspectionReport } from './table-inspection.ts';

/** The newest inspection of each table, by the schedule or a job: for the status, the metrics and the log. */
export class Inspections {
  private readonly telemetry: Telemetry;
  private readonly newest = new Map<TableName, InspectionReport>();

  constructor(telemetry: Telemetry) {
    this.telemetry = telemetry;
    telemetry.gauge(
      'k2_table_alterations',
      'Alterations of rows on record: by retention (removed), by other engines (unverifiable).',
      () => this.tables.flatMap(alterationCounts),
    );
    telemetry.gauge('k2_table_unchecked_files', 'Data files whose names tell no digest.', () =>
      this.tables.map(({ table, uncheckedFiles }) => [uncheckedFiles, { table }] as const),
    );
  }

  get tables(): readonly InspectionReport[] {
    return [...this.newest.values()];
  }

  /** Warns of what other engines did that the inspection before did not find, a line for each snapshot. */
  note(report: InspectionReport): void {
    const known = new Set(othersIn(this.newest.get(report.table)).map(keyOf));
    this.newest.set(report.table, report);
    const fresh = Map.groupBy(
      othersIn(report).filter((one) => !known.has(keyOf(one))),
      keyOf,
    );
    for (const alterations of fresh.values()) {
      this.telemetry.log('warn', 'another engine changed rows: answers over them are unverifiable from now on', {
        table: report.table,
        snapshotId: alterations[0]!.snapshotId,
        alterations: alterations.map(describeAlterationJson),
      });
    }
  }
}

function alterationCounts({ table, alterations }: InspectionReport) {
  return ALTERATION_KINDS.map(
    (kind) => [alterations.filter((one) => one.kind === kind).length, { table, kind }] as const,
  );
}

function othersIn(report: InspectionReport | undefined): readonly FoundAlteration[] {
  return report?.alterations.filter(({ kind }) => kind === 'unverifiable') ?? [];
}

/** Stays as it is when K2's next commit puts the alteration on record, and when several are put together. */
function keyOf({ snapshotId, committedTime }: FoundAlteration): string {
  return `${snapshotId} ${committedTime}`;
}
