// Serves the page and passes its requests on to the sidecar. The token stays here: the browser never has it.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const { COFFERDAM_URL = "http://127.0.0.1:8787", COFFERDAM_TOKEN, PORT = "8080" } = process.env;
const EXECUTIONS = "/v1/executions";
const TYPES = { html: "text/html", js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" };
const FILES = /^\/(page\.html|sidecar\.mjs|out\/[\w-]+(\.\w+)?\.(js|wasm))$/;
const FORWARDED = ["accept", "cofferdam-version", "content-type"];
const RETURNED = ["content-type", "retry-after"];

const server = createServer(async (request, response) => {
  try {
    // A site whose name resolves to this address must not use the token.
    const address = `127.0.0.1:${server.address().port}`;
    if (request.headers.host !== address) return response.writeHead(421).end();
    if (request.method === "POST" && request.url === EXECUTIONS) return await execute(request, response);
    if (request.method !== "GET" || !FILES.test(request.url)) return response.writeHead(404).end();
    await serve(request.url, response);
  } catch (error) {
    // A page that was closed is not a failure.
    if (error.name !== "AbortError") console.error(error);
    if (response.headersSent) return response.destroy();
    const retryable = error.cause?.code === "ECONNREFUSED";
    const problem = { code: "unreachable", detail: "the sidecar cannot be reached", retryable };
    response.writeHead(502, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
  }
});

async function serve(path, response) {
  const folder = path === "/page.html" ? "." : "../jspi";
  const content = await readFile(new URL(folder + path, import.meta.url));
  response.writeHead(200, { "content-type": TYPES[path.split(".").pop()] }).end(content);
}

async function execute(request, response) {
  // The sidecar wants JSON, which a page of another site cannot send without this server's consent.
  const headers = pick(request.headers, FORWARDED);
  if (COFFERDAM_TOKEN) headers.authorization = `Bearer ${COFFERDAM_TOKEN}`;
  // A page that is closed cancels its execution.
  const closed = new AbortController();
  response.on("close", () => closed.abort());
  const { signal } = closed;
  const options = { method: "POST", headers, body: Readable.toWeb(request), duplex: "half", signal };
  const reply = await fetch(COFFERDAM_URL + EXECUTIONS, options);
  response.writeHead(reply.status, pick(Object.fromEntries(reply.headers), RETURNED));
  await pipeline(Readable.fromWeb(reply.body), response);
}

const pick = (headers, names) =>
  Object.fromEntries(names.filter((name) => name in headers).map((name) => [name, headers[name]]));

server.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/page.html`);
});
