import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

const WORKSPACE = resolve(import.meta.dirname, '../../..');

/**
 * Checks sources that lie nowhere as if they were in the workspace, against its ports as they are now. `sources` are
 * by path from the workspace's root. Gives what the compiler has to say, one line each.
 */
export function typeErrors(sources: ReadonlyMap<string, string>): string[] {
  const config = join(WORKSPACE, 'tsconfig.base.json');
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, (path) => ts.sys.readFile(path)).config,
    ts.sys,
    WORKSPACE,
  );
  const virtual = new Map([...sources].map(([path, text]) => [join(WORKSPACE, path), text]));
  const folders = new Set([...virtual.keys()].map((path) => dirname(path)));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, directoryExists } = host;
  host.fileExists = (path) => virtual.has(path) || fileExists(path);
  host.readFile = (path) => virtual.get(path) ?? readFile(path);
  host.directoryExists = (path) => folders.has(path) || directoryExists!(path);
  const roots = [...virtual.keys()].filter((path) => path.endsWith('.ts'));
  const program = ts.createProgram(roots, options, host);
  return roots
    .flatMap((path) => ts.getPreEmitDiagnostics(program, program.getSourceFile(path)))
    .map((diagnostic) => ts.formatDiagnostic(diagnostic, ts.createCompilerHost(options)).trim());
}
