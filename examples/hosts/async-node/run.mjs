// Executes all programs at once, and exits with the exit code of the first one that failed.
// Usage: node run.mjs 'print(6*7)' 'print(7*7)'
import { execute } from "./host.mjs";

const results = await Promise.allSettled(process.argv.slice(2).map((code) => execute({ code })));
process.exitCode = results.map(print).find((code) => code !== 0) ?? 0;

/** Prints a result, and returns the program's exit code. */
function print({ value: outcome, reason: error }) {
  if (error && !error.payload) throw error;
  if (error) {
    console.error(`${error.payload.code}: ${error.payload.message}`);
    return 1;
  }
  process.stdout.write(outcome.stdout.text);
  process.stderr.write(outcome.stderr.text);
  const { tag, val } = outcome.status;
  if (tag === "exited") return val;
  console.error(`the program did not exit normally: ${tag}`);
  return 1;
}
