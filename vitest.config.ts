import { defineConfig } from "vitest/config";

// `npm test -- --fast` leaves out `*.integration.test.ts` and everything under `tests/`.
export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "*/test/**/*.test.ts", "tests/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    // Real processes on a small shared machine: limits that only a hang reaches.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
