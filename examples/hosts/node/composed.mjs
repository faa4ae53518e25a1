// A Node host of the composed component, which finds the sidecar by COFFERDAM_URL: node composed.mjs 'print(6*7)'
import { codeExecutor } from "./out/code-executor-http.js";

try {
  const outcome = codeExecutor.execute({ code: process.argv[2] });
  process.stdout.write(outcome.stdout.text);
  process.stderr.write(outcome.stderr.text);
  const { tag, val } = outcome.status;
  if (tag !== "exited") console.error(`the program ended otherwise: ${tag}`);
  process.exitCode = tag === "exited" ? val : 1;
} catch (error) {
  // An error of the contract is the payload of what is thrown.
  if (!error.payload) throw error;
  console.error(`${error.payload.code}: ${error.payload.message}`);
  process.exitCode = 1;
}
