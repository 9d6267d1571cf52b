const headBytes = 8;

/** What a container printed, out of the daemon's frames: stream, three zeros, length (32 bits, big endian), text. */
export function containerLog(frames: Buffer): Buffer {
  const texts: Buffer[] = [];
  for (let at = 0; at + headBytes <= frames.length;) {
    const end = at + headBytes + frames.readUInt32BE(at + 4);
    texts.push(frames.subarray(at + headBytes, end));
    at = end;
  }
  return Buffer.concat(texts);
}
