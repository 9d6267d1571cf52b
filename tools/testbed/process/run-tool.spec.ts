import { expect, it } from '@jest/globals';
import { runTool } from './run-tool.ts';

const node = process.execPath;

it('returns what the program printed, and gives it its input', async () => {
  const script = 'process.stdin.on("data", (data) => console.log(String(data).toUpperCase()))';
  expect(await runTool('shouting', node, ['-e', script], { input: 'k2' })).toBe('K2\n');
});

it('says what failed, and the last that the program said', async () => {
  const script = 'for (let line = 1; line <= 100; line++) console.error(`line ${line}.`); process.exitCode = 3';
  const failed = runTool('Kafka: formatting', node, ['-e', script]);
  await expect(failed).rejects.toThrow(/^Kafka: formatting failed: .* ended with 3:\nline 86\./);
  await expect(failed).rejects.toThrow('line 100.');
});

it('says what is not there', async () => {
  await expect(runTool('Kafka', 'k2-no-such-program', [])).rejects.toThrow(
    /^Kafka failed: .*k2-no-such-program ENOENT/,
  );
});
