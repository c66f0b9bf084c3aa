import { defineConfig } from "vitest/config";

// `npm test -- --fast` leaves out `*.integration.test.ts` and everything under `tests/`.
export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "*/test/**/*.test.ts", "tests/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    // Real processes on a small shared machine: limits that only a hang reaches, and above those of `eventually` (45 s),
    // `spawnService` and `runCommand`, whose errors say what was waited for.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
