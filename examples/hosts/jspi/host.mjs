// A Node host of the component. The import is an async function: while a program runs, its instance is
// suspended (JSPI) and the event loop is free. An instance executes one call at a time, so each execution
// has its own.
import { readFile } from "node:fs/promises";
import { instantiate } from "./out/code-executor.js";
import { connect } from "./sidecar.mjs";

const { COFFERDAM_URL = "http://127.0.0.1:8787", COFFERDAM_TOKEN } = process.env;
const modules = new Map();

function compile(name) {
  const path = new URL(`out/${name}`, import.meta.url);
  if (!modules.has(name)) modules.set(name, readFile(path).then(WebAssembly.compile));
  return modules.get(name);
}

/** Resolves to the outcome. A thrown error has the contract's error as its payload. */
export async function execute(request) {
  const sandbox = connect(COFFERDAM_URL, COFFERDAM_TOKEN);
  const { codeExecutor } = await instantiate(compile, { "cofferdam:code-executor/sandbox": sandbox });
  return codeExecutor.execute(request);
}
