// A Node host of the component with asynchronous functions. The module is its only instance, which executes any number of
// programs at once.
import { codeExecutor } from "./out/code-executor-async.js";

/** Resolves to the outcome. A thrown error has the contract's error as its payload. */
export const { execute } = codeExecutor;
