import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PortError, type MarketFeedErrorKind } from '@k2/ports';
import { CompanySymbols, ReferenceDataError } from './company-symbols.ts';
import type { AsxFile } from './file-parser.ts';

export interface AsxDirectoryFile extends AsxFile {
  readonly path: string;
  readonly sizeBytes: number;
}

export interface AsxDirectory {
  /** Trades by name, then quotes by name. */
  readonly files: readonly AsxDirectoryFile[];
  readonly ignoredFiles: readonly string[];
  readonly totalBytes: number;
  readonly symbols: CompanySymbols;
}

const FILE_NAME = /^([^.].*)\.csv$/;
const REFERENCE_FILE = 'reference-data/company_info.csv';

/** What there is to load. Throws `misconfigured`, naming the path, where it cannot be loaded as a whole. */
export async function listDirectory(directory: string): Promise<AsxDirectory> {
  const files: AsxDirectoryFile[] = [];
  const ignoredFiles: string[] = [];
  for (const recordType of ['trades', 'quotes'] as const) {
    for (const name of (await namesIn(directory, recordType)).sort()) {
      const companyId = FILE_NAME.exec(name)?.[1];
      if (companyId === undefined) {
        ignoredFiles.push(`${recordType}/${name}`);
        continue;
      }
      const path = join(directory, recordType, name);
      files.push({ source: `asx:${recordType}/${name}`, companyId, recordType, path, sizeBytes: await sizeOf(path) });
    }
  }
  if (files.length === 0) {
    throw misconfigured(
      directory,
      'has no trades/<company id>.csv and no quotes/<company id>.csv: expected at least one',
    );
  }
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { files, ignoredFiles, totalBytes, symbols: await symbolsOf(directory, files) };
}

/** One of the two folders may be missing; the directory itself may not. */
async function namesIn(directory: string, folder: string): Promise<string[]> {
  try {
    return await readdir(join(directory, folder));
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw misconfigured(join(directory, folder), 'cannot be listed as a folder', cause);
  }
  try {
    await readdir(directory);
    return [];
  } catch (cause) {
    throw misconfigured(
      directory,
      'is no folder that can be read: expected one with trades/, quotes/ and reference-data/',
      cause,
    );
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((cause: unknown) => {
    throw misconfigured(path, 'cannot be read', cause);
  });
  if (!found.isFile()) throw misconfigured(path, 'is not a file: expected CSV');
  return found.size;
}

async function symbolsOf(directory: string, files: readonly AsxDirectoryFile[]): Promise<CompanySymbols> {
  const path = join(directory, REFERENCE_FILE);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw misconfigured(path, 'cannot be read: it says which symbol a company id has', cause);
  });
  try {
    return CompanySymbols.parse(text, new Set(files.map(({ companyId }) => companyId)));
  } catch (cause) {
    if (!(cause instanceof ReferenceDataError)) throw cause;
    throw misconfigured(
      path,
      `cannot be used: ${cause.message}; add or correct the row, or move the files of that company away`,
      cause,
    );
  }
}

function misconfigured(path: string, problem: string, cause?: unknown): PortError<MarketFeedErrorKind> {
  const code = codeOf(cause);
  return new PortError<MarketFeedErrorKind>(
    'misconfigured',
    `${path} ${problem}${code === '' ? '' : ` (${code})`}`,
    { path },
    { cause },
  );
}

/** Of an error of node:fs, `ENOENT` and so on; by its shape, since it may come from another realm. */
function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
