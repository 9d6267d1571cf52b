// Preloaded into a supervised process: should its supervisor die without a word (SIGKILL), it stops in good order.
// Processes that it forks and threads inherit this preload, but they have another parent or none.
import { isMainThread } from 'node:worker_threads';
import { onParentGone } from './parent.mjs';

if (isMainThread && process.env.K2_SUPERVISOR === String(process.ppid))
  onParentGone(() => process.kill(process.pid, 'SIGTERM'));
