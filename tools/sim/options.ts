import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** The options as given; prints the help and ends if asked for it, and ends with 1 if there is no such option. */
export function readOptions<const Options extends ParseArgsOptionsConfig>(options: Options, help: string) {
  if (process.argv.includes('--help')) {
    process.stdout.write(help);
    process.exit(0);
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return wrong(`${(error as Error).message}. --help lists the options`);
  }
}

export function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(number) && number >= least) return number;
  return wrong(`--${option} is ${text}: expected a whole number from ${least} on`);
}

/** Null if the option was not given. */
export function named<Name extends string>(
  option: string,
  text: string | undefined,
  names: readonly Name[],
): Name[] | null {
  if (text === undefined) return null;
  return text.split(',').map((name) => {
    const known = names.find((of) => of === name.trim());
    return known ?? wrong(`--${option} names ${name}: expected some of ${names.join(', ')}`);
  });
}

/** Names for a help text, in lines that start at a column. */
export function inLines(names: readonly string[], column: number): string {
  const lines = names.join(', ').replaceAll(/(.{1,90})(?:, |$)/g, '$1\n');
  return lines.trim().replaceAll('\n', `,\n${' '.repeat(column)}`);
}

function wrong(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
