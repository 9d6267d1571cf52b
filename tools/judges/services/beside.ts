import { setTimeout as sleep } from 'node:timers/promises';
import { isPortError } from '@k2/ports';
import { sparkQuery } from '../../testbed/sql/spark-client.ts';
import type { JudgedLake } from './lake.ts';
import type { TapeSlice } from './tape.ts';

export interface Beside {
  readonly appends: number;
  /** Rewrites by Spark that replaced files. */
  readonly sparkRewrites: number;
  /** Rewrites that Spark gave up, because others had changed the table meanwhile. */
  readonly sparkLost: number;
  /** Commits of K2 that others were faster than, prepared again. */
  readonly k2Retries: number;
  /** Groups of files that K2 replaced, and that it gave up because Spark had. */
  readonly k2Compacted: number;
  readonly k2Abandoned: number;
  /** What neither may say. */
  readonly errors: readonly string[];
}

export interface BesideOptions {
  readonly lake: JudgedLake;
  readonly sparkUrl: string;
  /** `k2.market_data.trades`, as Spark calls it. */
  readonly sparkTable: string;
  readonly slices: Iterable<TapeSlice>;
  readonly withCompaction: boolean;
  /** Who has replaced files leaves the table to the other for so long, ms; who has lost tries again after `pauseMs`. */
  readonly restMs: number;
  /** Between two appends of K2, ms. */
  readonly pauseMs: number;
  /** Whether enough of them have met. */
  readonly isEnough: (so: Beside) => boolean;
}

const SPARK_CONFLICT = /conflicted with another concurrent Iceberg operation/;
const SPARK_REWRITE_TIMEOUT_MS = 300_000;

/**
 * Spark rewrites the files of the table again and again, while K2 appends to it and, where that is wanted, compacts it
 * too; until enough of them have met, or the slices are used up.
 */
export async function writeBeside(options: BesideOptions): Promise<Beside> {
  const { lake, slices, isEnough, pauseMs, restMs, withCompaction } = options;
  const retriesBefore = await lake.retriedCommits();
  const so = { appends: 0, sparkRewrites: 0, sparkLost: 0, k2Retries: 0, k2Compacted: 0, k2Abandoned: 0 };
  const errors: string[] = [];
  const result = (): Beside => ({ ...so, errors });
  let isOver = false;
  const untilOver = async (replaceFiles: () => Promise<boolean>) => {
    try {
      while (!isOver && errors.length === 0) await sleep((await replaceFiles()) ? restMs : pauseMs);
    } catch (error) {
      errors.push(String(error));
    }
  };
  const rewriting = untilOver(() => rewriteBySpark(options, so));
  const compacting = withCompaction ? untilOver(() => compactByK2(lake, so)) : Promise.resolve();
  try {
    for (const slice of slices) {
      await lake.record(slice);
      so.appends++;
      so.k2Retries = (await lake.retriedCommits()) - retriesBefore;
      if (errors.length > 0 || isEnough(result())) break;
      await sleep(pauseMs);
    }
  } catch (error) {
    errors.push(String(error));
  } finally {
    isOver = true;
    await Promise.all([rewriting, compacting]);
  }
  so.k2Retries = (await lake.retriedCommits()) - retriesBefore;
  return result();
}

/** Counts of one kind of event, as they go up. */
type Counts<Key extends keyof Beside> = Record<Key, number>;

async function rewriteBySpark(
  { sparkUrl, sparkTable }: Pick<BesideOptions, 'sparkUrl' | 'sparkTable'>,
  so: Counts<'sparkRewrites' | 'sparkLost'>,
): Promise<boolean> {
  try {
    const hasReplaced = (await rewriteDataFiles(sparkUrl, sparkTable)) > 0;
    if (hasReplaced) so.sparkRewrites++;
    return hasReplaced;
  } catch (error) {
    if (!SPARK_CONFLICT.test(String(error))) throw error;
    so.sparkLost++;
    return false;
  }
}

/** Returns how many files Spark has replaced. */
export async function rewriteDataFiles(sparkUrl: string, sparkTable: string): Promise<number> {
  const [catalog, ...table] = sparkTable.split('.');
  const call = `CALL ${catalog}.system.rewrite_data_files(table => '${table.join('.')}', options => map('min-input-files', '2'))`;
  const { columns, rows } = await sparkQuery(sparkUrl, call, SPARK_REWRITE_TIMEOUT_MS);
  return Number(rows[0][columns.indexOf('rewritten_data_files_count')]);
}

async function compactByK2(lake: JudgedLake, so: Counts<'k2Compacted' | 'k2Abandoned'>): Promise<boolean> {
  try {
    const { groups, abandonedGroups } = await lake.compact('market_data.trades');
    so.k2Compacted += groups;
    so.k2Abandoned += abandonedGroups;
    return groups > 0;
  } catch (error) {
    // "Run it again": it lost every race this time.
    if (!isPortError(error, 'commit-conflict')) throw error;
    so.k2Abandoned++;
    return false;
  }
}
