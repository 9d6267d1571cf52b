/** Sources lie in apps/cli, built code one level further down. */
const workspace = new URL(import.meta.url.endsWith('.ts') ? '../../' : '../../../', import.meta.url);

/** A file of the checkout that the CLI runs from. */
export function workspaceFile(path: string): URL {
  return new URL(path, workspace);
}
