import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { openBench } from './lake.ts';
import { report } from './figure.ts';
import { asxDirectory, scratchDirectory } from './scratch.ts';

const directory = asxDirectory();
if (directory === null) {
  console.log('bytes_per_trade, bytes_per_quote: not measured, there are no ASX ticks (set K2_ASX_DIR)');
} else {
  const opened = await openBench(scratchDirectory(), 'none', 'sink');
  opened.platform.start();
  await opened.platform.load(opened.createFeed(`asx:${directory}`), new AbortController().signal);
  for (const { table, rowCount, sizeBytes } of await opened.platform.ports.store.stats()) {
    if (!table.startsWith('market_data.')) continue;
    const recordType = table.slice('market_data.'.length);
    const csv = globSync(join(directory, recordType, '*.csv'))
      .sort()
      .map((file) => readFileSync(file));
    const whole = Buffer.concat(csv);
    const zstd = zstdCompressSync(whole, { params: { [constants.ZSTD_c_compressionLevel]: 19 } });
    const one = recordType.slice(0, -1);
    report({
      name: `bytes_per_${one}`,
      value: sizeBytes / rowCount,
      unit: 'bytes/row',
      count: rowCount,
      note: 'Parquet, every field',
    });
    report({ name: `csv_bytes_per_${one}`, value: whole.length / rowCount, unit: 'bytes/row', count: rowCount });
    report({ name: `csv_zstd19_bytes_per_${one}`, value: zstd.length / rowCount, unit: 'bytes/row', count: rowCount });
  }
  await opened.close();
}
