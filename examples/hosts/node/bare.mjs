// A Node host of the component. ./sandbox.mjs implements its import. Usage: node bare.mjs 'print(6*7)'
import { codeExecutor } from "./out/code-executor.js";

try {
  const outcome = codeExecutor.execute({ code: process.argv[2] });
  process.stdout.write(outcome.stdout.text);
  process.stderr.write(outcome.stderr.text);
  const { tag, val } = outcome.status;
  if (tag !== "exited") console.error(`the program did not exit normally: ${tag}`);
  process.exitCode = tag === "exited" ? val : 1;
} catch (error) {
  // The thrown error has the contract's error as its payload.
  if (!error.payload) throw error;
  console.error(`${error.payload.code}: ${error.payload.message}`);
  process.exitCode = 1;
}
