import { describe, expect, it } from '@jest/globals';
import { printTimeUs } from '@k2/domain/market';
import type { AsOf } from '@k2/ports';
import { listed, type JsonRow, type SnapshotsQuestion } from '../session/session.ts';
import { verifyLake } from './verify-lake.ts';

interface Answers {
  readonly rows: number;
  readonly duplicates: number;
  readonly positions: number;
  readonly lastPosition: number | string;
  readonly bounds: readonly JsonRow[];
  readonly absent: readonly JsonRow[];
  readonly ledger: readonly JsonRow[];
  readonly opened: readonly JsonRow[];
  readonly alterations: readonly JsonRow[];
}

const SERIES = { exchange: 'SIM', symbol: 'A/B', session: 's' };
const SOUND: Answers = {
  rows: 10,
  duplicates: 0,
  positions: 0,
  lastPosition: 3 * 65_536 + 9,
  bounds: [{ ...SERIES, sequence_from: 1, sequence_to: 20 }],
  absent: [{ ...SERIES, sequence_from: 5, sequence_to: 8 }],
  ledger: [
    { ...SERIES, status: 'open', sequence_from: 5, sequence_to: 9 },
    { ...SERIES, status: 'filled', sequence_from: 9, sequence_to: 9 },
  ],
  opened: [{ ...SERIES, sequence_from: 1, sequence_to: 1 }],
  alterations: [],
};

const DROPPED: JsonRow = {
  cause: 'retention',
  exchange: 'SIM',
  timestamp_from: '2026-01-05T00:00:00.000Z',
  timestamp_to: '2026-01-06T00:00:00.000Z',
  removed_rows: 4,
  added_rows: 0,
  snapshot_id: '81',
  operation: 'delete',
};

/** Commits are a second apart. */
const committedUs = (commit: number) => 1_700_000_000_000_000 + commit * 1_000_000;

/** A lake that stays as it is, or one to which a commit comes before each question that it is asked. */
function lakeOf(state: Partial<Answers>, { isFed = false } = {}) {
  let commits = 1;
  const tick = () => (isFed ? commits++ : commits);
  const snapshot = (table: string, commit: number) => {
    const progress = [{ topic: 'market.crypto.trades.sim', partition: 0, next_offset: 4 * commit }];
    const { alterations } = { ...SOUND, ...state };
    const times = { committed_at: printTimeUs(committedUs(commit)), is_current: commit === commits };
    return { table, ...times, total_rows: 10 * commit, progress, alterations };
  };
  return {
    snapshots: ({ table, limit }: SnapshotsQuestion) => {
      const newest = tick();
      const listedCommits = Array.from({ length: newest }, (_, i) => newest - i).slice(0, limit);
      return Promise.resolve(listed(listedCommits.map((commit) => snapshot(table, commit))));
    },
    uncheckedFiles: () => Promise.resolve(new Map([['market_data.trades', 2]])),
    query: (sql: string, _limit: number, asOf: AsOf = { kind: 'latest' }) => {
      const newest = tick();
      const seen = asOf.kind === 'time' ? (asOf.timeUs - committedUs(0)) / 1_000_000 : newest;
      const lastPosition = 4 * 65_536 * seen - 1;
      return Promise.resolve(listed(answerOf(sql, { ...SOUND, rows: 10 * seen, lastPosition, ...state })));
    },
  };
}

function answerOf(sql: string, answers: Answers): readonly JsonRow[] {
  if (/^select count\(\*\) as n from \w+\.\w+$/.test(sql)) return [{ n: answers.rows }];
  if (sql.includes('copies'))
    return sql.includes('limit 1') ? [{ ...SERIES, source_sequence: 4, copies: 2 }] : [{ n: answers.duplicates }];
  if (sql.includes('as first')) return [{ n: answers.positions, first: 1 }];
  if (sql.includes('as last'))
    return sql.includes('from trades') ? [{ exchange: 'SIM', asset_class: 'crypto', last: answers.lastPosition }] : [];
  if (sql.includes('from sessions')) return answers.opened;
  if (sql.includes('from sequence_gaps')) return answers.ledger;
  return sql.includes('lag(') ? answers.absent : answers.bounds;
}

async function failures(lake: ReturnType<typeof lakeOf>) {
  const found = (await verifyLake(lake)).filter(({ ok }) => !ok);
  return found.map(({ check, table, detail }) => `${table}: ${check}: ${detail}`);
}

describe('a lake', () => {
  it('that is sound passes every check', async () => {
    expect(await failures(lakeOf({}))).toEqual([]);
  });

  it.each<[string, Partial<Answers>, string]>([
    ['with a tick twice', { duplicates: 1 }, 'SIM/A/B/s/4 (2 copies)'],
    ['whose files hold fewer rows than the snapshot says', { rows: 9 }, 'says 10 rows, the files hold 9'],
    ['with one log position twice', { positions: 2 }, '2 are in the table more than once'],
    ['with a row beyond the recorded offsets', { lastPosition: 4 * 65_536 }, 'a row of offset 4, recorded up to 4'],
    [
      'with such a row where its position is beyond 2^53, and therefore a string',
      { lastPosition: String(2n ** 37n * 65_536n + 9n) },
      'a row of offset 137438953472, recorded up to 4',
    ],
    ['with a hole that the ledger does not know', { ledger: [] }, 'SIM/A/B/s: 5–8 missing and not in the ledger'],
    [
      'whose ledger lacks a number between two ticks that came and was refused',
      { absent: [...SOUND.absent, { ...SERIES, sequence_from: 12, sequence_to: 12 }] },
      'SIM/A/B/s: 12 missing and not in the ledger',
    ],
    [
      'whose ledger lacks the first number, which came and was refused',
      { bounds: [{ ...SERIES, sequence_from: 2, sequence_to: 20 }] },
      'SIM/A/B/s: 1 missing and not in the ledger',
    ],
    [
      'whose ledger lacks the only number of a session, which was refused',
      { opened: [...SOUND.opened, { ...SERIES, session: 't', sequence_from: 7, sequence_to: 7 }] },
      'SIM/A/B/t: 7 missing and not in the ledger',
    ],
    ['with a gap in the ledger whose ticks are there', { absent: [] }, 'SIM/A/B/s: 5–8 open in the ledger and there'],
    [
      'that another engine took rows out of',
      { alterations: [{ ...DROPPED, cause: 'other-engine', operation: 'overwrite' }] },
      'overwrite of another engine (snapshot 81) removed 4 rows of SIM from 2026-01-05T00:00:00.000Z',
    ],
    [
      'whose session began after what retention dropped, and lacks its first number',
      {
        alterations: [DROPPED],
        bounds: [{ ...SERIES, sequence_from: 2, sequence_to: 20 }],
        opened: [{ ...SERIES, sequence_from: 1, sequence_to: 1, began: '2026-01-06T00:00:00.000Z' }],
      },
      'SIM/A/B/s: 1 missing and not in the ledger',
    ],
  ])('%s fails, by name', async (_, wrong, detail) => {
    expect((await failures(lakeOf(wrong))).join('\n')).toContain(detail);
  });

  it('has a gap where a number came and was refused, also after the last tick of the table', async () => {
    const refused = [1, 12, 21].map((n) => ({ ...SERIES, status: 'open', sequence_from: n, sequence_to: n }));
    const bounds = [{ ...SERIES, sequence_from: 2, sequence_to: 20 }];
    const absent = [...SOUND.absent, { ...SERIES, sequence_from: 12, sequence_to: 12 }];
    expect(await failures(lakeOf({ bounds, absent, ledger: [...SOUND.ledger, ...refused] }))).toEqual([]);
  });

  it('may have gaps before its first tick, which only the ledger can know', async () => {
    const ledger = [...SOUND.ledger, { ...SERIES, status: 'open', sequence_from: -9, sequence_to: 0 }];
    expect(await failures(lakeOf({ ledger }))).toEqual([]);
  });

  it('may lack the first numbers of sessions whose rows retention dropped', async () => {
    const began = '2026-01-05T23:59:59.999Z';
    const opened = ['s', 't'].map((session) => ({ ...SERIES, session, sequence_from: 1, sequence_to: 1, began }));
    const bounds = [{ ...SERIES, sequence_from: 3, sequence_to: 20 }];
    expect(await failures(lakeOf({ alterations: [DROPPED], bounds, opened }))).toEqual([]);
  });

  it('that is fed meanwhile is read as of one instant, and matches', async () => {
    expect(await failures(lakeOf({}, { isFed: true }))).toEqual([]);
  });

  it('tells of files without a digest, and where they are not counted', async () => {
    const results = await verifyLake(lakeOf({}));
    const detailOf = (of: string) =>
      results.find(({ check, table }) => check === 'rows are those committed' && table === of)!.detail;
    expect(detailOf('market_data.trades')).toBe(
      'no other engine changed them; 2 files without a digest, read unchecked',
    );
    expect(detailOf('market_data.quotes')).toContain('files without a digest are not counted');
  });

  it('that has nothing yet passes', async () => {
    const none = { bounds: [], absent: [], ledger: [], opened: [], rows: 0, lastPosition: -1 };
    const lake = { ...lakeOf(none), snapshots: () => Promise.resolve(listed([])) };
    expect(await failures(lake)).toEqual([]);
  });
});
