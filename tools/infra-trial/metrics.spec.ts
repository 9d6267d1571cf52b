import { describe, expect, it } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const text = (file: string) => readFileSync(join(root, file), 'utf8');

interface Panel {
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

const { panels } = JSON.parse(text('infra/grafana/dashboards/k2.json')) as { panels: Panel[] };

/** As Prometheus sees them: a counter ends in _total, a histogram is three series. */
function publishedMetrics(): Set<string> {
  const names = new Set<string>();
  const files = globSync(['libs/**/*.ts', 'apps/**/*.ts'], {
    cwd: root,
    exclude: (path) => /(?:^|\/)(?:node_modules|dist)$|\.(?:spec|contract)\.ts$/.test(path),
  });
  for (const file of files) {
    for (const [, kind, name] of text(file).matchAll(/(counter|gauge|histogram)\(\s*['"](k2_\w+)['"]/g)) {
      if (kind === 'counter') names.add(name.endsWith('_total') ? name : `${name}_total`);
      else if (kind === 'gauge') names.add(name);
      else for (const part of ['bucket', 'sum', 'count']) names.add(`${name}_${part}`);
    }
  }
  return names;
}

const usedIn = (expression: string) => [...expression.matchAll(/\bk2_\w+/g)].map(([name]) => name);

describe('what infra asks of the metrics', () => {
  const published = publishedMetrics();

  it.each(panels.map((panel) => [panel.title, panel] as const))(
    'panel "%s" is about metrics that there are',
    (_, panel) => {
      for (const { expr } of panel.targets) {
        expect(usedIn(expr).filter((name) => !published.has(name))).toEqual([]);
      }
    },
  );

  it('every alert is about metrics that there are', () => {
    const expressions = [...text('infra/prometheus/k2.rules.yml').matchAll(/^\s+expr: (.*)$/gm)].map(
      ([, expr]) => expr,
    );
    expect(expressions.length).toBeGreaterThan(0);
    expect(expressions.flatMap(usedIn).filter((name) => !published.has(name))).toEqual([]);
  });

  it('every panel asks the data source that is provisioned', () => {
    const [, uid] = /uid: (\S+)/.exec(text('infra/grafana/provisioning/datasources/prometheus.yml')) ?? [];
    const asked = panels.flatMap((panel) => [panel, ...panel.targets].map(({ datasource }) => datasource.uid));
    expect(new Set(asked)).toEqual(new Set([uid]));
  });
});
