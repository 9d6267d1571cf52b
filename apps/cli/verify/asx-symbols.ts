import { csvFields } from './csv-fields.ts';
import { csvLines } from './csv-lines.ts';

/** Which symbol a company has on a date, from `reference-data/company_info.csv`. */
export class AsxSymbols {
  private readonly periods: readonly { companyId: string; symbol: string; from: string; to: string }[];

  private constructor(periods: AsxSymbols['periods']) {
    this.periods = periods;
  }

  static async read(path: string): Promise<AsxSymbols> {
    const periods = [];
    let columns: readonly string[] | null = null;
    for await (const { text } of csvLines(path)) {
      const fields = csvFields(text).map((field) => decoded(field).trim());
      if (columns === null) {
        columns = fields;
        continue;
      }
      const field = (name: string) => fields[columns!.indexOf(name)] ?? '';
      periods.push({
        companyId: field('company_id'),
        symbol: field('symbol'),
        from: isoDate(field('start_date')) ?? '0000-00-00',
        to: isoDate(field('end_date')) ?? '9999-99-99',
      });
    }
    return new AsxSymbols(periods);
  }

  /** `date` as `2014-03-10`. */
  symbol(companyId: string, date: string): string | null {
    const found = this.periods.find(
      (period) => period.companyId === companyId && period.from <= date && date <= period.to,
    );
    return found?.symbol ?? null;
  }
}

/** From one character a byte. */
function decoded(field: string): string {
  return Buffer.from(field, 'latin1').toString('utf8');
}

function isoDate(text: string): string | null {
  const match = /^(\d{2})\/(\d{2})\/(\d{4})$/.exec(text);
  return match === null ? null : `${match[3]}-${match[1]}-${match[2]}`;
}
