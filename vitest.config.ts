import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout },
})

export default defineConfig({
  test: {
    projects: [
      project(
        'unit',
        ['src/**/*.test.ts', 'test/*.test.ts', 'test/http/**/*.test.ts', 'test/stores/**/*.test.ts'],
        20_000,
      ),
      project('e2e', ['test/e2e/**/*.test.ts'], 60_000),
      project('interop', ['test/interop/**/*.test.ts'], 600_000),
    ],
  },
})
