// Calls the component in a page of Chromium, in the folder of examples/hosts/browser: node chromium.mjs URL-OF-PAGE
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { serve } from "./lines.mjs";

const { default: puppeteer } = await import(createRequire(`${process.cwd()}/`).resolve("puppeteer-core"));
const conversion = await readFile(new URL("json.mjs", import.meta.url), "utf8");
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // Chromium refuses to run as root with its own sandbox.
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
const page = await browser.newPage();
await page.goto(process.argv[2]);

/** Executes requests in the page, with an instance for each. */
async function execute(conversion, requests) {
  const blob = URL.createObjectURL(new Blob([conversion], { type: "text/javascript" }));
  const [{ fromJson, result }, { instantiate }, { connect }] = await Promise.all(
    [blob, "/out/code-executor.js", "/sidecar.mjs"].map((module) => import(module)),
  );
  const compile = (name) => WebAssembly.compileStreaming(fetch(`/out/${name}`));
  const call = async (request) => {
    const { codeExecutor } = await instantiate(compile, { "cofferdam:code-executor/sandbox": connect("") });
    return codeExecutor.execute(fromJson(request));
  };
  return Promise.all(requests.map((request) => result(() => call(request))));
}

await serve((name, method, requests) => page.evaluate(execute, conversion, requests));
await browser.close();
