/**
 * Lets pyiceberg, Trino and Spark read a lake that K2 writes on PostgreSQL and S3: as written, compacted, expired, and
 * after Spark has rewritten it beside K2's own commits. Ends with 1 where anything differs from what was sent.
 *
 *   npm run test:judges -- [--only pyiceberg,trino,spark] [--json FILE]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Services } from '@k2/testing/services';
import { testbedDirectory } from '../../testbed/places.ts';
import { progressOn } from '../../testbed/progress.ts';
import type { TestbedServiceName } from '../../testbed/service-names.ts';
import type { IcebergCatalog } from '../../testbed/sql/iceberg-catalogs.ts';
import { startTestbed, type Testbed } from '../../testbed/testbed.ts';
import { preparedPython } from '../pyiceberg/prepared-python.ts';
import { JudgedLake } from './lake.ts';
import { openK2 } from './readers/k2.ts';
import { openPyiceberg } from './readers/pyiceberg.ts';
import { openSpark } from './readers/spark.ts';
import { openTrino } from './readers/trino.ts';
import type { Reader } from './readers/reader.ts';
import * as stages from './stages.ts';
import { Verdicts } from './verdicts.ts';

const JUDGES = ['pyiceberg', 'trino', 'spark'] as const;
type Judge = (typeof JUDGES)[number];
const USAGE = `npm run test:judges -- [--only ${JUDGES.join(',')}] [--json FILE]`;

const progress = progressOn();
const { only, json } = asked();
const startedMs = performance.now();
const verdicts = new Verdicts((line) => process.stdout.write(`${line}\n`));
try {
  await judge();
} catch (error) {
  couldNotGoOn(error);
}
const seconds = Math.round((performance.now() - startedMs) / 1_000);
const { failures, all } = verdicts;
console.log(`\n${summary()}`);
if (json !== undefined)
  writeFileSync(json, `${JSON.stringify({ judges: only, failures, seconds, checks: all }, null, 2)}\n`);
process.exit(failures === 0 ? 0 : 1);

function summary(): string {
  const outcome =
    failures === 0
      ? `${only.join(', ')} and K2 agree with what was sent`
      : `${failures} of ${all.length} checks failed`;
  const leftOut = [
    ...JUDGES.filter((name) => !only.includes(name)),
    ...(only.includes('spark') ? [] : ['writing beside Spark']),
  ];
  const rest = leftOut.length === 0 ? '' : `; left out, as asked: ${leftOut.join(', ')}`;
  return `${outcome}: ${all.length} checks in ${seconds} s${rest}`;
}

async function judge(): Promise<void> {
  // What is missing is told before anything has run in vain.
  if (only.includes('pyiceberg')) preparedPython();
  const directory = join(testbedDirectory, `judges-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  const names: TestbedServiceName[] = ['postgres', 'minio', ...only.filter((name) => name !== 'pyiceberg')];
  progress.update(`starting ${names.join(', ')}`);
  const bed = await startTestbed(names, { directory, progress });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void interrupt(bed));
  try {
    await judgeOn(bed.endpoints as Services, join(directory, 'k2'));
  } catch (error) {
    couldNotGoOn(error);
  }
  const keepLogs = verdicts.failures > 0;
  await bed.stop({ keepLogs });
  if (keepLogs) progress.say(`the servers' logs are in ${directory}`);
}

async function judgeOn({ postgres, s3, trino, spark }: Services, data: string): Promise<void> {
  const catalog: IcebergCatalog = {
    name: 'k2',
    postgresUrl: postgres.url,
    s3,
    warehouse: `s3://${s3.bucket}/judged`,
  };
  const lake = await JudgedLake.open(catalog, data, stages.FILTER);
  try {
    const readers: Reader[] = [openK2(lake)];
    const judged = { lake, readers, verdicts };
    const both = [stages.TRADES, stages.QUOTES];
    const { first, betweenUs, old, quotes } = await stages.write(judged);
    if (only.includes('pyiceberg')) readers.push(openPyiceberg(catalog));
    if (only.includes('trino')) readers.push(await openTrino(trino.url, catalog));
    if (only.includes('spark')) readers.push(await openSpark(spark.url, catalog));

    await stages.read(judged, 'as written', both, [old, quotes]);
    await stages.compact(judged, 'compacted');
    await stages.read(judged, 'compacted', both, [old, quotes]);
    await stages.expire(judged, 'expired', betweenUs);
    await stages.read(judged, 'expired', both, [old]);
    await stages.readExpired(judged, 'expired', first);
    if (!only.includes('spark')) return;

    const table = { url: spark.url, table: `${catalog.name}.${stages.TRADES}` };
    await stages.goOnAfterSpark(judged, 'rewritten by Spark', table);
    await stages.read(judged, 'rewritten by Spark', [stages.TRADES], [old]);
    await stages.meet(judged, 'Spark beside appends', table, { withCompaction: false, day: 4 });
    await stages.meet(judged, 'Spark beside compaction', table, { withCompaction: true, day: 5 });
    await stages.read(judged, 'after both', [stages.TRADES], [old]);
    await stages.compact(judged, 'compacted after Spark');
    await stages.expire(judged, 'compacted after Spark', lake.platform.ports.clock.nowUs());
    await stages.read(judged, 'compacted after Spark', both, []);
  } finally {
    await lake.close();
  }
}

async function interrupt(bed: Testbed): Promise<void> {
  await bed.stop();
  process.exit(130);
}

function couldNotGoOn(error: unknown): void {
  verdicts.add({ judge: 'run', stage: 'the run', check: 'could not go on' }, '', [messageOf(error)]);
}

function asked(): { readonly only: readonly Judge[]; readonly json: string | undefined } {
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string' }, json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) {
      console.log(USAGE);
      process.exit(0);
    }
    const names = values.only?.split(',') ?? JUDGES;
    const unknown = names.find((name) => !JUDGES.some((judge) => judge === name));
    if (unknown !== undefined) throw new Error(`there is no judge "${unknown}"`);
    return { only: JUDGES.filter((judge) => names.includes(judge)), json: values.json };
  } catch (error) {
    progress.say(`${messageOf(error)}: ${USAGE}`);
    process.exit(2);
  }
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
