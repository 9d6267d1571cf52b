/**
 * Ends the process with this code, whatever its threads are doing. `process.exit` waits for them, and one may hang for
 * ever: in a read from a pipe that nobody writes to, in a file system that went away. The kernel's `execve` ends them all.
 */
export function endNow(code: number): never {
  try {
    process.execve!(process.execPath, [process.execPath, '-e', `process.exit(${code})`], {});
  } catch {
    // Windows has none; there a kill asks nobody.
  }
  process.kill(process.pid, 'SIGKILL');
  throw new Error('the process outlived SIGKILL');
}

/** Ends the process after an orderly stop: at once if a thread still hangs. */
export function end(code: number): never {
  const hangs = process.getActiveResourcesInfo().some((resource) => resource.startsWith('FSReq'));
  return hangs ? endNow(code) : process.exit(code);
}
