import nx from '@nx/eslint-plugin';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { sourceBoundaries, specBoundaries } from './tools/lint/boundaries.mjs';
import { noAmbientTime, pure } from './tools/lint/purity.mjs';

const specs = '**/*.spec.ts';

export default defineConfig(
  globalIgnores(['**/dist/', '**/test-data/', '**/coverage/', '.nx/', '.cache/', 'tmp/']),
  { files: ['**/*.{ts,mjs}'], rules: { eqeqeq: 'error', 'no-var': 'error', 'prefer-const': 'error' } },
  { files: ['**/*.mjs'], rules: { 'no-unused-vars': 'error' } },
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    rules: { '@nx/enforce-module-boundaries': ['error', sourceBoundaries] },
  },
  { files: [specs], rules: { '@nx/enforce-module-boundaries': ['error', specBoundaries] } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  { files: ['**/*.d.ts'], rules: { 'no-var': 'off' } },
  { files: ['libs/{composition,testing}/**/*.ts', 'apps/**/*.ts'], ignores: [specs], rules: noAmbientTime },
  { files: ['libs/domain/**/*.ts'], ignores: [specs], rules: pure() },
  { files: ['libs/ports/**/*.ts'], ignores: [specs], rules: pure('@k2/domain') },
  { files: ['libs/usecases/**/*.ts'], ignores: [specs], rules: pure('@k2/domain', '@k2/ports') },
);
