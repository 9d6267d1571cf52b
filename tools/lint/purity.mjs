// What keeps the inside of the house pure: no clock, no randomness, no timers, no world. Those come in through ports.
const viaPort = 'Take it through a port (libs/ports).';

const ambient = {
  'no-restricted-properties': [
    'error',
    ...[
      ['Date', 'now'],
      ['Math', 'random'],
      ['AbortSignal', 'timeout'],
      ['performance', 'now'],
      ['crypto', 'randomUUID'],
      ['crypto', 'getRandomValues'],
    ].map(([object, property]) => ({ object, property, message: `Clock, Random, Scheduler: ${viaPort}` })),
  ],
};

const syntax = [
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: `new Date() reads the clock. ${viaPort}`,
  },
  { selector: "CallExpression[callee.name='Date']", message: `Date() reads the clock. ${viaPort}` },
];

const timers = ['setTimeout', 'setInterval', 'setImmediate'];
const world = [
  ...['process', 'Buffer', 'require', 'global', 'globalThis', 'navigator'],
  ...['fetch', 'WebSocket', 'EventSource', 'crypto', 'performance', 'console'],
];

const globals = (names) => ['error', ...names.map((name) => ({ name, message: viaPort }))];

/** Everywhere but in adapters and tools: time and chance are ports. */
export const noAmbientTime = {
  ...ambient,
  'no-restricted-syntax': ['error', ...syntax],
  'no-restricted-globals': globals(timers),
};

/** domain, ports and usecases: plain TypeScript, and nothing imported but the workspace packages named. */
export function pure(...packages) {
  const allowed = [String.raw`\.\.?/`, ...packages.map((name) => `${name}(/|$)`)].join('|');
  return {
    ...ambient,
    'no-restricted-syntax': [
      'error',
      ...syntax,
      { selector: 'ImportExpression', message: 'Loading code at run time is for composition.' },
      { selector: "MetaProperty[meta.name='import']", message: 'Pure code does not know where it lies.' },
    ],
    'no-restricted-globals': globals([...timers, ...world]),
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          { regex: `^(?!${allowed})`, message: 'Pure code: no npm packages, no node:* modules, no other project.' },
        ],
      },
    ],
  };
}
