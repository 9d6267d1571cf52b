// Preloaded into a supervised process: should its supervisor die without a word (SIGKILL), it stops in good order.
// Processes that it forks inherit this preload, but they have another parent and need their channel for themselves.
if (process.env.K2_SUPERVISOR === String(process.ppid)) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
}
