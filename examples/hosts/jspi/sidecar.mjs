// Implements the imports `sandbox` and `sandbox-stream` with the HTTP API of a sidecar, in Node and in
// browsers. Call `connect` once for each instance: an execution belongs to the instance that started it.

const ATTEMPTS = 5;
const MAX_SECONDS = 60;
const PHASES = ["queued", "scheduled", "pulled", "started", "finished"];

export function connect(url, token) {
  const headers = { "cofferdam-version": "0.1.0", ...(token && { authorization: `Bearer ${token}` }) };
  const executions = new Map();

  async function run(request) {
    for await (const { ended } of follow(request)) if (ended) return report(ended);
  }

  async function start(request) {
    const events = follow(request);
    const { accepted } = (await events.next()).value;
    executions.set(accepted, events);
    return accepted;
  }

  async function next(id) {
    try {
      const [[tag, val]] = Object.entries((await known(id).next()).value);
      if (tag === "ended") executions.delete(id);
      return { tag, val: tag === "ended" ? report(val) : tag === "reached" ? val : bytes(val) };
    } catch (error) {
      executions.delete(id);
      throw error;
    }
  }

  async function cancel(id) {
    known(id);
    await send(`/v1/executions/${id}`, { method: "DELETE", headers });
  }

  function known(id) {
    return executions.get(id) ?? fail("invalid-request", `there is no execution ${id}`);
  }

  /** The events of an execution. The last one is `ended`. */
  async function* follow(request) {
    const response = await send("/v1/executions", {
      method: "POST",
      headers: { ...headers, accept: "text/event-stream", "content-type": "application/json" },
      body: JSON.stringify(body(request)),
    });
    let received = "";
    try {
      for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (received + text).split("\n");
        received = lines.pop();
        for (const line of lines.filter((line) => line.startsWith("data: "))) {
          const event = JSON.parse(line.slice("data: ".length));
          if (event.failed) fail(event.failed.code, describe(event.failed), event.failed);
          yield event;
          if (event.ended) return;
        }
      }
    } catch (error) {
      throw error.payload ? error : unreachable(error);
    }
    fail("unreachable", "the sidecar closed the connection");
  }

  async function send(path, options) {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(url + path, options).catch((error) => {
        throw unreachable(error);
      });
      if (response.ok) return response;
      // A sidecar at capacity has not run the program, and returns the seconds to wait before a retry.
      const seconds = response.headers.get("retry-after");
      if (seconds === null || attempt === ATTEMPTS) {
        const problem = await response.json().catch(() => ({}));
        fail(problem.code ?? "unreachable", describe(problem) ?? `HTTP ${response.status}`, problem);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(seconds, MAX_SECONDS) * 1000));
    }
  }

  return { run, start, next, cancel };
}

/** Throws the contract's error: jco expects it as the payload of what is thrown. */
function fail(code, message, { id, retryable = false } = {}) {
  throw { payload: { code, message, id, retryable } };
}

/** The detail of a problem. A limit above its ceiling has its name in the contract, not that of the HTTP API. */
function describe({ exceeded, detail }) {
  if (!exceeded) return detail;
  const { limit, requested, ceiling } = exceeded;
  return `the limit ${limit.replaceAll("_", "-")} of ${requested} is above the operator's ceiling of ${ceiling}`;
}

function unreachable({ message, cause }) {
  const reason = `the sidecar cannot be reached: ${cause?.code ?? message}`;
  // Only without a connection is it certain that the program did not start.
  return { payload: { code: "unreachable", message: reason, retryable: cause?.code === "ECONNREFUSED" } };
}

function body({ limits, env = [], labels = [], ...request }) {
  return toJson({
    ...request,
    env: Object.fromEntries(env.map(({ name, value }) => [name, value])),
    labels: Object.fromEntries(labels.map(({ key, value }) => [key, value])),
    limits: Object.fromEntries(Object.entries(limits ?? {}).map(([name, value]) => [snakeCase(name), value])),
  });
}

function toJson(value) {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return { base64: value.toBase64() };
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toJson(item)]));
}

const snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function report({ id, status, stdout, stderr, files, skipped, timings_ms: timings, warm }) {
  const phase = (name) => [name, optional(timings[name])];
  const [[tag, val]] = Object.entries(typeof status === "string" ? { [status]: undefined } : status);
  return {
    id,
    status: { tag, val },
    stdout: capture(stdout),
    stderr: capture(stderr),
    files: files.map(({ path, content }) => ({ path, content: bytes(content) })),
    skipped,
    timings: { ...Object.fromEntries(PHASES.map(phase)), answered: BigInt(timings.answered) },
    warm,
  };
}

function capture({ content, length, cut }) {
  return { bytes: bytes(content), length: BigInt(length), cut: optional(cut) };
}

const optional = (number) => (number == null ? undefined : BigInt(number));

// Bytes are a string if they are UTF-8, else base64.
const bytes = (content) =>
  typeof content === "string" ? new TextEncoder().encode(content) : Uint8Array.fromBase64(content.base64);
