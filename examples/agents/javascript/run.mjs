// A Node host of a composed agent that `jco transpile` has translated. Usage: node run.mjs 'factorial of 20'
import { ask } from "./out/agent.js";

try {
  console.log(ask(process.argv[2]));
} catch (error) {
  // The thrown error has the err case of the result as its payload.
  if (!error.payload) throw error;
  console.error(`The agent failed: ${error.payload}`);
  process.exitCode = 1;
}
