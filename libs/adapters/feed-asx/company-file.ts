import { CompanySymbols, ReferenceDataError } from './company-symbols.ts';
import type { SourceDirectory } from './source-directory.ts';
import { unusable } from './messages.ts';

const COMPANY_FILE = 'reference-data/company_info.csv';
/** Some 300,000 rows. */
const SIZE_BYTES_MAX = 33_554_432;

/** The symbols of these companies. Throws `misconfigured`, naming the file and what is wrong with it. */
export async function readCompanySymbols(
  directory: SourceDirectory,
  companyIds: ReadonlySet<string>,
): Promise<CompanySymbols> {
  const file = await directory.openFile(COMPANY_FILE, ': it says which symbol a company id has');
  try {
    const { path, sizeBytes } = file;
    if (sizeBytes > SIZE_BYTES_MAX)
      throw unusable(
        path,
        `has ${sizeBytes} bytes: expected at most ${SIZE_BYTES_MAX}, a row for each company and symbol`,
      );
    const bytes = new Uint8Array(sizeBytes);
    await file.fill(bytes, 0);
    return CompanySymbols.parse(bytes, companyIds);
  } catch (cause) {
    if (!(cause instanceof ReferenceDataError)) throw cause;
    const next = 'add or correct the row, or move the files of that company away';
    throw unusable(file.path, `cannot be used: ${cause.message}; ${next}`, cause);
  } finally {
    await file.close();
  }
}
