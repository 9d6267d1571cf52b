import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSettings, ROLES, SettingError, SETTINGS, type Setting } from './settings.ts';

describe('settings', () => {
  it('come from the flag, then the environment, then the default', () => {
    const env = { K2_PORT: '7081', K2_HOST: '0.0.0.0' };
    const settings = readSettings({ port: '7082' }, env);
    expect(settings).toMatchObject({ port: 7_082, host: '0.0.0.0', data: './.k2', feeds: ['simulator'], role: ROLES });
  });

  it('take several feeds, whatever their paths hold', () => {
    const feeds = ['simulator:seed=7,rate=100', 'asx:/data/with space/asx', 'asx:C:\\ticks'];
    expect(readSettings({ feeds }, {}).feeds).toEqual(feeds);
    expect(readSettings({}, { K2_FEED: 'simulator;asx:/a b' }).feeds).toEqual(['simulator', 'asx:/a b']);
    expect(readSettings({ feeds: ['none'] }, {}).feeds).toEqual([]);
  });

  it('name the roles, all or some', () => {
    expect(readSettings({ role: 'all' }, {}).role).toEqual(ROLES);
    expect(readSettings({ role: 'ingest,sink' }, {}).role).toEqual(['ingest', 'sink']);
  });

  it.each([
    [{ port: '70000' }, {}, '--port', 'an integer from 0 to 65535'],
    [{ port: '-1' }, {}, '--port', 'an integer from 0 to 65535'],
    [{ port: '7e3' }, {}, '--port', 'an integer'],
    [{}, { K2_PORT: '' }, 'K2_PORT', 'an integer'],
    [{ role: 'ingest,cook' }, {}, '--role', 'ingest,sink,api'],
    [{ feeds: ['kraken'] }, {}, '--feed', 'asx:DIR'],
    [{ feeds: ['none', 'simulator'] }, {}, '--feed', 'none'],
    [{ data: ' ' }, {}, '--data', 'not empty'],
    [{ storage: 'cloud' }, {}, '--storage', 'embedded, services, memory'],
    [{}, { K2_FLUSH_INTERVAL_MS: '1' }, 'K2_FLUSH_INTERVAL_MS', 'an integer from 10'],
  ])('refuse %j %j, naming the key and what is expected', (flags, env, name, expected) => {
    const read = () => readSettings(flags, env);
    expect(read).toThrow(SettingError);
    expect(read).toThrow(expect.objectContaining({ message: expect.stringContaining(name) }));
    expect(read).toThrow(expect.objectContaining({ message: expect.stringContaining(expected) }));
  });

  it('have defaults that they would take', () => {
    for (const [key, setting] of Object.entries(SETTINGS)) {
      if (typeof setting.default !== 'number' && typeof setting.default !== 'string') continue;
      expect([key, setting.parse(String(setting.default), key)]).toEqual([key, setting.default]);
    }
  });

  it('are the table of the guide, word for word', () => {
    const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/settings.md'), 'utf8');
    const rows = guide.split('\n').filter((line) => line.includes('| `K2_'));
    const declared = Object.values<Setting<unknown>>(SETTINGS).map(({ flag, env, default: value, doc }) => {
      const code = (text: string) => (text === '' ? '' : `\`${text}\``);
      const printed = String(value instanceof Map ? [...value] : value);
      return `| ${code(flag === undefined ? '' : `--${flag}`)} | ${code(env)} | ${code(printed)} | ${doc} |`;
    });
    expect(rows.map(plain)).toEqual(declared.map(plain));
  });
});

/** Without what Prettier and typography change. */
function plain(row: string): string {
  return row.replaceAll(/\s+/g, ' ').replaceAll('’', "'");
}
