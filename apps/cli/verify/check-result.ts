/** What one check found. A check that could not be made is not ok. */
export interface CheckResult {
  readonly check: string;
  readonly table: string;
  readonly ok: boolean;
  readonly detail: string;
}
