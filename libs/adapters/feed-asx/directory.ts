import { readCompanySymbols } from './company-file.ts';
import type { CompanySymbols } from './company-symbols.ts';
import type { AsxFile } from './file-parser.ts';
import { SourceDirectory } from './source-directory.ts';
import { named, unusable } from './messages.ts';

export interface AsxDirectoryFile extends AsxFile {
  /** Within the directory. */
  readonly path: string;
  readonly sizeBytes: number;
}

export interface AsxDirectory {
  readonly source: SourceDirectory;
  /** Trades by name, then quotes by name. */
  readonly files: readonly AsxDirectoryFile[];
  /** What looks as if it were to be loaded and is not read, as `trades/1.csv.gz`. */
  readonly unread: readonly string[];
  readonly totalBytes: number;
  readonly symbols: CompanySymbols;
}

const RECORD_TYPES = ['trades', 'quotes'] as const;
const FILE_NAME = /^([^.\p{Cc}\p{Cf}][^\p{Cc}\p{Cf}]*)\.csv$/u;

/** What there is to load. Throws `misconfigured`, naming the path, where it cannot be loaded as a whole. */
export async function listDirectory(path: string): Promise<AsxDirectory> {
  const source = await SourceDirectory.open(path);
  const files: AsxDirectoryFile[] = [];
  const unread = (await source.names(''))!.filter(isLikeFolder);
  for (const recordType of RECORD_TYPES) {
    for (const name of (await source.names(recordType)) ?? []) {
      const file = `${recordType}/${name}`;
      const companyId = FILE_NAME.exec(name)?.[1];
      if (companyId !== undefined)
        files.push({
          source: `asx:${file}`,
          companyId,
          recordType,
          path: file,
          sizeBytes: await source.sizeBytes(file),
        });
      else if (!name.startsWith('.')) unread.push(file);
    }
  }
  if (files.length === 0) {
    const expected = 'has no trades/<company id>.csv and no quotes/<company id>.csv: expected at least one';
    throw unusable(path, unread.length === 0 ? expected : `${expected}; not read: ${named(unread)}`);
  }
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const symbols = await readCompanySymbols(source, new Set(files.map(({ companyId }) => companyId)));
  return { source, files, unread, totalBytes, symbols };
}

/** `Trades`, `quotes-2`, `trades.zip`: beside the folders, and not one of them. */
function isLikeFolder(name: string): boolean {
  return /^(trades|quotes)/i.test(name) && !(RECORD_TYPES as readonly string[]).includes(name);
}
