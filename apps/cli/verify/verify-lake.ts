import { offsetOfPosition, RECORD_SCHEMAS, type RecordType, type TableName } from '@k2/domain/market';
import { collectRows, type JsonRow, type K2Session } from '../session/session.ts';
import { checkAlterations, droppedUntilUs } from './alterations.ts';
import type { CheckResult } from './check-result.ts';
import { checkGapLedger } from './gap-ledger.ts';
import { newestInstant, type LakeInstant } from './lake-instant.ts';

const TABLES: readonly TableName[] = RECORD_SCHEMAS.map(({ table }) => table);
const RECORD_TYPES: readonly RecordType[] = ['trades', 'quotes'];
/** As many as a server lists at once. */
const SNAPSHOTS_LISTED = 1_000;

type VerifiedSession = Pick<K2Session, 'query' | 'snapshots' | 'uncheckedFiles'>;

/** Checks the lake from inside, by SQL of its own: as it was at one instant, whatever is committed meanwhile. */
export async function verifyLake(session: VerifiedSession): Promise<readonly CheckResult[]> {
  const lake = await newestInstant(session);
  const uncheckedFiles = await session.uncheckedFiles();
  const results: CheckResult[] = [];
  for (const table of TABLES) {
    results.push(await checkTotals(lake, table));
    const snapshot = await currentSnapshot(session, table);
    results.push(checkAlterations(table, snapshot, uncheckedFiles.get(table) ?? null));
  }
  for (const type of RECORD_TYPES) {
    results.push(await checkIdentities(lake, type));
    results.push(await checkLogPositions(lake, type));
    results.push(await checkProgress(lake, type));
    const snapshot = lake.snapshots.get(`market_data.${type}`);
    results.push(await checkGapLedger(lake, type, (exchange) => droppedUntilUs(snapshot, exchange)));
  }
  return results;
}

/** Not the newest where the table was returned to an earlier one: which is what is to be found. */
async function currentSnapshot(session: Pick<K2Session, 'snapshots'>, table: TableName): Promise<JsonRow | undefined> {
  const snapshots = await collectRows(await session.snapshots({ table, limit: SNAPSHOTS_LISTED }));
  return snapshots.find((snapshot) => snapshot['is_current'] === true);
}

async function checkTotals(lake: LakeInstant, table: TableName): Promise<CheckResult> {
  const [row] = await collectRows(await lake.query(`select count(*) as n from ${table}`, 1));
  const counted = Number(row!['n']);
  const recorded = Number(lake.snapshots.get(table)?.['total_rows'] ?? 0);
  const ok = counted === recorded;
  const detail = ok ? `${counted} rows` : `the snapshot says ${recorded} rows, the files hold ${counted}`;
  return { check: 'snapshot total = rows', table, ok, detail };
}

async function checkIdentities(lake: LakeInstant, type: RecordType): Promise<CheckResult> {
  const key = 'exchange, symbol, session, source_sequence';
  const sql = `select ${key}, count(*) as copies from ${type} group by ${key} having count(*) > 1`;
  const [found] = await collectRows(await lake.query(`select count(*) as n from (${sql})`, 1));
  const duplicates = Number(found!['n']);
  let detail = 'no tick is there twice';
  if (duplicates > 0) {
    const [first] = await collectRows(await lake.query(`${sql} order by ${key} limit 1`, 1));
    const { exchange, symbol, session, source_sequence: sequence, copies } = first!;
    detail = `${duplicates} identities more than once, as ${exchange}/${symbol}/${session}/${sequence} (${copies} copies)`;
  }
  return { check: 'identities are unique', table: type, ok: duplicates === 0, detail };
}

/** A position of the log is one tick: in a topic of one partition for all its symbols, otherwise for each. */
async function checkLogPositions(lake: LakeInstant, type: RecordType): Promise<CheckResult> {
  const isSplit = progressOf(lake, type).some(({ partition }) => partition > 0);
  const key = `exchange, asset_class${isSplit ? ', symbol' : ''}, platform_sequence`;
  const sql = `select ${key} from ${type} group by ${key} having count(*) > 1`;
  const [found] = await collectRows(
    await lake.query(`select count(*) as n, min(platform_sequence) as first from (${sql})`, 1),
  );
  const ok = Number(found!['n']) === 0;
  const detail = ok
    ? 'each is one tick'
    : `${found!['n']} are in the table more than once, the first is ${found!['first']}`;
  return { check: 'log positions are unique', table: type, ok, detail };
}

interface Progress {
  readonly topic: string;
  readonly partition: number;
  readonly next_offset: number;
}

function progressOf({ snapshots }: LakeInstant, type: RecordType): readonly Progress[] {
  const all = [...snapshots.values()].flatMap((row) => (row['progress'] ?? []) as unknown as readonly Progress[]);
  return all.filter(({ topic }) => topic.split('.')[2] === type);
}

/** The newest offsets recorded with a commit cover every row: what is beyond them would come a second time. */
async function checkProgress(lake: LakeInstant, type: RecordType): Promise<CheckResult> {
  const nextOffsets = new Map<string, number>();
  for (const { topic, next_offset: next } of progressOf(lake, type)) {
    nextOffsets.set(topic, Math.max(next, nextOffsets.get(topic) ?? 0));
  }
  const sql = `select exchange, asset_class, max(platform_sequence) as last from ${type} group by exchange, asset_class`;
  const beyond = (await collectRows(await lake.query(sql, 10_000))).flatMap((row) => {
    const topic = `market.${row['asset_class']}.${type}.${String(row['exchange']).toLowerCase()}`;
    const nextOffset = nextOffsets.get(topic) ?? 0;
    const lastOffset = offsetOfPosition(BigInt(row['last'] as number | string));
    return lastOffset < nextOffset ? [] : [`${topic}: a row of offset ${lastOffset}, recorded up to ${nextOffset}`];
  });
  const detail = beyond.length === 0 ? 'no row lies beyond them' : beyond.join('; ');
  return { check: 'recorded offsets cover the rows', table: type, ok: beyond.length === 0, detail };
}
