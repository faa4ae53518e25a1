// Executes a program, and exits with its exit code. Usage: node run.mjs 'print(6*7)'
import { execute } from "./host.mjs";

try {
  const outcome = await execute({ code: process.argv[2] });
  process.stdout.write(outcome.stdout.text);
  process.stderr.write(outcome.stderr.text);
  const { tag, val } = outcome.status;
  if (tag !== "exited") console.error(`the program did not exit normally: ${tag}`);
  process.exitCode = tag === "exited" ? val : 1;
} catch (error) {
  if (!error.payload) throw error;
  console.error(`${error.payload.code}: ${error.payload.message}`);
  process.exitCode = 1;
}
