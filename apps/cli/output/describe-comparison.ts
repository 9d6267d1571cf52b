import type { LoadComparison, SessionDifference } from '@k2/usecases';
import { printCell } from './cell.ts';
import { count, printCount } from './describe-provenance.ts';

/** Sessions of a load that the lake had before, where they are more or other than it had; '' where there is none. */
export function describeComparison(comparison: LoadComparison): string {
  const { completedSessions, completedRows, differingSessions, differences } = comparison;
  let text = '';
  if (completedRows > 0)
    text += `${count(completedRows, 'row')} of the new ones complete ${count(completedSessions, 'session')} that the lake had in part.\n`;
  if (differingSessions === 0) return text;
  text += `${count(differingSessions, 'session')} of the files ${differingSessions === 1 ? 'differs' : 'differ'} from what the lake has:\n`;
  for (const difference of differences) text += describeDifference(difference);
  const more = differingSessions - differences.length;
  if (more > 0) text += `  … and ${printCount(more)} more\n`;
  return `${text}What differs was not taken: the lake keeps what it has.\n`;
}

function describeDifference(difference: SessionDifference): string {
  const { recordType, symbol, session, rows, refusedRows, kind, movedBy } = difference;
  const missingRows = difference.missingRows - (kind === 'rows-removed' ? movedBy : 0);
  const heldBackRows = difference.heldBackRows - (kind === 'rows-inserted' ? movedBy : 0);
  const facts = [explain(difference)];
  if (refusedRows > 0 && kind !== 'rows-refused-before') facts.push(refusedBefore(refusedRows));
  if (missingRows > 0 && kind !== 'rows-missing')
    facts.push(`${count(missingRows, 'row')} of the lake ${is(missingRows)} not in the files`);
  if (heldBackRows > 0) facts.push(`${count(heldBackRows, 'new row')} behind it ${was(heldBackRows)} left out`);
  let text = `  ${recordType} ${printCell(symbol)} ${session}: ${facts.join('; ')}\n`;
  for (const { at, fields } of rows) {
    const values = fields.map(
      ({ field, source, lake }) => `${field} is ${printCell(source)}, in the lake ${printCell(lake)}`,
    );
    text += `    ${printCell(at)}: ${values.join('; ')}\n`;
  }
  return text;
}

function explain(difference: SessionDifference): string {
  const { kind, movedBy, movedRows, changedRows, missingRows, refusedRows } = difference;
  const at = printCell(difference.at ?? '');
  const numberedAnew = `the ${count(movedRows, 'row')} behind ${movedBy === 1 ? 'it' : 'them'} ${is(movedRows)} numbered anew and would look like other ticks`;
  switch (kind) {
    case 'rows-inserted':
      return `${count(movedBy, 'row')} inserted at ${at} or before; ${numberedAnew}`;
    case 'rows-removed':
      return `${count(movedBy, 'row')} removed before ${at}; ${numberedAnew}`;
    case 'rows-changed':
      return `${count(changedRows, 'row')} changed, the first at ${at}`;
    case 'rows-missing': {
      const { sourceLastSequence, lakeLastSequence } = difference;
      const ends =
        sourceLastSequence < lakeLastSequence
          ? `ends at number ${printCount(sourceLastSequence)}, in the lake at ${printCount(lakeLastSequence)}; `
          : '';
      return `${ends}${count(missingRows, 'row')} of the lake ${is(missingRows)} not in the files`;
    }
    case 'rows-refused-before':
      return `${refusedBefore(refusedRows)}, the first at ${at}`;
  }
}

function refusedBefore(rows: number): string {
  return `${count(rows, 'row')} came before and ${is(rows)} in no table: refused then, or removed by retention`;
}

const is = (rows: number) => (rows === 1 ? 'is' : 'are');
const was = (rows: number) => (rows === 1 ? 'was' : 'were');
