import { describe, expect, it } from '@jest/globals';
import type { ComponentHealth } from './components.ts';
import type { DependencyHealth } from './dependencies.ts';
import { platformHealth } from './platform-health.ts';
import { ROLES } from './settings.ts';

const down = (name: string): DependencyHealth => ({
  name,
  state: 'down',
  sinceUs: 0,
  lastErrorKind: 'unavailable',
  without: '',
});
const failed = (name: string, errorKind = 'bug'): ComponentHealth => ({ name, state: 'failed', sinceUs: 0, errorKind });

describe('the health of a platform', () => {
  it.each([
    ['nothing', [], 'ready', ['ingest', 'sink', 'api', 'maintain']],
    ['dedup', ['dedup'], 'degraded', ['ingest', 'sink', 'api', 'maintain']],
    ['the log', ['log'], 'degraded', ['api', 'maintain']],
    ['the catalog', ['catalog'], 'degraded', ['ingest']],
    ['the disk', ['disk'], 'degraded', ['api']],
    ['all', ['log', 'catalog', 'objects', 'disk'], 'unavailable', []],
  ])('without %s', (_, names, status, working) => {
    const health = platformHealth(ROLES, [], names.map(down), []);
    expect(health).toMatchObject({ status, isAlive: true });
    expect(health.roles.filter(({ works }) => works).map(({ role }) => role)).toEqual(working);
  });

  it('of an API alone ends with its catalog', () => {
    expect(platformHealth(['api'], [], [down('catalog')], []).status).toBe('unavailable');
    expect(platformHealth(['api'], [], [down('log')], []).status).toBe('degraded');
  });

  it('ends for a supervisor when a component has failed, but not by what a person has to mend', () => {
    expect(platformHealth(ROLES, [failed('sink')], [], [])).toMatchObject({ status: 'degraded', isAlive: false });
    const wrongPath = [failed('feed asx:/nowhere', 'misconfigured')];
    expect(platformHealth(ROLES, wrongPath, [], [])).toMatchObject({ status: 'degraded', isAlive: true });
  });

  it('has a sink that does not work, and lives, while what the sink tries again comes to nothing', () => {
    const failing = { ...failed('sink', 'unavailable'), state: 'failing' } as const;
    const health = platformHealth(ROLES, [failing], [], []);
    expect(health).toMatchObject({ status: 'degraded', isAlive: true });
    expect(health.roles.filter(({ works }) => !works)).toEqual([{ role: 'sink', works: false }]);
    expect(platformHealth(['sink'], [failing], [], [])).toMatchObject({ status: 'unavailable', isAlive: true });
  });

  it('is degraded by a partition that is paused', () => {
    const paused = { topic: 't', partition: 0, offset: null, sinceUs: 0, kind: 'fault', error: new Error('') };
    expect(platformHealth(ROLES, [], [], [paused]).status).toBe('degraded');
  });
});
