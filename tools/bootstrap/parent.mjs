const pollMs = 500;

/** Calls `react` once when the process that started this one is gone: the kernel gives its children another parent. */
export function onParentGone(react) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent && isAlive(parent)) return;
    clearInterval(timer);
    react();
  }, pollMs);
  timer.unref();
}

/** For Windows, where the number of a parent stays after it is gone. */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
