// Implements the import `sandbox` with `cofferdam run --json`. Node calls it synchronously, and it needs no
// sidecar.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PHASES = ["queued", "scheduled", "pulled", "started", "finished"];

export function run(request) {
  const folder = mkdtempSync(join(tmpdir(), "sandbox-"));
  try {
    const args = commandLine(request, folder);
    const input = request.stdin ?? new Uint8Array();
    const { error, stdout, stderr } = spawnSync("cofferdam", args, { input, maxBuffer: Infinity });
    // The contract's error is thrown as the payload.
    if (error) throw { payload: failure("sandbox-unavailable", `cofferdam cannot be started: ${error.code}`) };
    // It refuses options that it cannot represent without JSON.
    if (stdout.length === 0) throw { payload: failure("invalid-request", stderr.toString().split("\n")[0]) };
    const result = JSON.parse(stdout);
    // An outcome has no code.
    if (result.code) throw { payload: failure(result.code, describe(result), result.id, result.retryable) };
    return report(result);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function commandLine(request, folder) {
  const file = (name, content) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const limits = request.limits ?? {};
  const options = {
    // The contract's default. Without the option, the command would detect the language from the program's
    // first line.
    language: request.language ?? "python",
    network: request.network,
    timeout: seconds(limits.wallTimeMs),
    "startup-timeout": seconds(limits.startupTimeMs),
    memory: limits.memoryBytes,
    cpu: limits.cpuMillis && `${limits.cpuMillis}m`,
    disk: limits.diskBytes,
    processes: limits.processes,
    "output-limit": limits.outputBytes,
    "collected-files": limits.collectedFiles,
    "collected-limit": limits.collectedBytes,
    // In a file, since other users can read command lines. Values may contain newlines, so each variable ends
    // with NUL.
    "env-file": request.env && file("env", request.env.map(({ name, value }) => `${name}=${value}\0`).join("")),
    label: request.labels?.map(({ key, value }) => `${key}=${value}`),
    file: request.files?.map(({ path, content }, index) => `${file(`file-${index}`, content)}:${path}`),
    collect: request.collect,
  };
  const flags = Object.entries(options).flatMap(([name, values]) =>
    [values ?? []].flat().map((value) => `--${name}=${value}`),
  );
  const program = file("program", request.code);
  return ["run", "--json", "--stdin=wait", ...flags, program, "--", ...(request.args ?? [])];
}

const seconds = (milliseconds) => milliseconds && Number(milliseconds) / 1000;

function report({ id, status, stdout, stderr, files, skipped, timings_ms: timings, warm }) {
  const phase = (name) => [name, timings[name] === null ? undefined : BigInt(timings[name])];
  return {
    id,
    status: typeof status === "string" ? { tag: status } : variant(status),
    stdout: capture(stdout),
    stderr: capture(stderr),
    files: files.map(({ path, content }) => ({ path, content: bytes(content) })),
    skipped,
    timings: { ...Object.fromEntries(PHASES.map(phase)), answered: BigInt(timings.answered) },
    warm,
  };
}

function variant(status) {
  const [[tag, val]] = Object.entries(status);
  return { tag, val };
}

function capture({ content, length, cut }) {
  return { bytes: bytes(content), length: BigInt(length), cut: cut === undefined ? undefined : BigInt(cut) };
}

// Bytes are a string if they are UTF-8, else base64.
const bytes = (content) => (typeof content === "string" ? Buffer.from(content) : Buffer.from(content.base64, "base64"));

/** The detail of a problem. A limit above its ceiling has its name in the contract, not that of the option. */
function describe({ exceeded, detail }) {
  if (!exceeded) return detail;
  const { limit, requested, ceiling } = exceeded;
  return `the limit ${limit.replaceAll("_", "-")} of ${requested} is above the operator's ceiling of ${ceiling}`;
}

function failure(code, message, id = undefined, retryable = false) {
  return { id, code, message, retryable };
}
