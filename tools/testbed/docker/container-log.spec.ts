import { expect, it } from '@jest/globals';
import { containerLog } from './container-log.ts';

const frame = (stream: number, text: string) => {
  const head = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
};

it('what went to stdout and to stderr comes in its order', () => {
  const frames = Buffer.concat([frame(1, 'ready\n'), frame(2, 'wärning\n'), frame(1, ''), frame(1, 'done\n')]);
  expect(containerLog(frames).toString()).toBe('ready\nwärning\ndone\n');
});

it('a frame that was cut off ends the log', () => {
  expect(containerLog(Buffer.concat([frame(1, 'ready\n'), frame(1, 'lost').subarray(0, 9)])).toString()).toBe(
    'ready\nl',
  );
});
