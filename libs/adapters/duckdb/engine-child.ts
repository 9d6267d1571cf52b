/**
 * The engine process. Started by EngineProcess with its settings as first argument; talks over the IPC channel and dies
 * with its parent.
 */
import { openDatabase, type EngineDatabase } from './engine-database.ts';
import type { EngineMessage, EngineRequest, EngineSettings, EngineTask } from './engine-messages.ts';
import { EngineRun, type RunEnd } from './engine-run.ts';
import { questionErrorOf } from './question-error.ts';
import { questionStatement } from './question-sql.ts';
import type { Statement } from './statement.ts';

const settings = JSON.parse(process.argv[2]) as EngineSettings;

// Ctrl-C and supervisors signal all processes at once. The server answers what is under way first, then ends this one.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

// A parent that died cannot kill: without this a bomb would outlive it.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

/** Typed questions share one database; user SQL gets a fresh one each, opened while the process is idle. */
let next: Promise<EngineDatabase> = openDatabase(settings);
let running: { readonly id: number; readonly run: EngineRun } | null = null;

const first = await next;
const functions = settings.mode === 'sql' ? await first.functions() : new Set<string>();

process.on('message', (request: EngineRequest) => {
  if (request.kind === 'run') void execute(request.id, request.task);
  else if (running?.id === request.id) running.run[request.kind]();
});
send({ kind: 'ready' });

async function execute(id: number, task: EngineTask): Promise<void> {
  const run = new EngineRun(id, task, send);
  running = { id, run };
  let end: RunEnd;
  const database = await next;
  try {
    if (task.asksReads === true && task.question.kind === 'sql') {
      const reads = await database.sqlReads(task.question.sql, functions);
      running = null;
      // The database is as it was.
      return send({ kind: 'reply', id, done: { kind: 'reads', reads } });
    }
    end = await run.run(database, await statementOf(task, database));
  } catch (error) {
    const { kind, message } = questionErrorOf(error, task.question.kind === 'sql');
    end = { outcome: { kind: 'failed', errorKind: kind, message }, last: {} };
  }
  running = null;
  if (settings.mode === 'sql') {
    database.close();
    next = openDatabase(settings);
  }
  send({ kind: 'reply', id, ...end.last, done: end.outcome });
}

async function statementOf({ question, scans, exportPath }: EngineTask, database: EngineDatabase): Promise<Statement> {
  if (question.kind !== 'sql') return questionStatement(question, scans, exportPath !== undefined);
  const sql = await database.permittedSql(question.sql, functions);
  await database.lockDown(scans, exportPath);
  return { sql, values: [] };
}

function send(message: EngineMessage): void {
  process.send!(message);
}
