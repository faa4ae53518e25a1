// An agent as a component: it answers a question by running a Python program in a sandbox.
import { execute } from "cofferdam:code-executor/code-executor@0.1.0";

const ATTEMPTS = 2;

// What the stand-in for a model knows. The second program has a mistake: it does not import `math`.
const PROGRAMS = [
  [/sum of squares up to (\d+)/, (n) => `print(sum(n * n for n in range(1, ${n} + 1)))`],
  [/factorial of (\d+)/, (n) => `print(math.factorial(${n}))`],
];

// Stands in for a model. `mistake` is what the previous program wrote to its standard error.
function writeProgram(question, mistake) {
  for (const [pattern, program] of PROGRAMS) {
    const match = question.match(pattern);
    if (!match) continue;
    const missing = mistake.match(/NameError: name '(\w+)' is not defined/);
    return (missing ? `import ${missing[1]}\n` : "") + program(match[1]);
  }
  throw "I do not know how to answer this question.";
}

// Runs a program in a sandbox of its own.
function run(code) {
  try {
    return execute({ code });
  } catch (error) {
    // The thrown error has the contract's error as its payload.
    if (!error.payload) throw error;
    const { code, message, retryable } = error.payload;
    // The sandbox failed, not the program, so a different program would not help.
    throw `${code}: ${message}${retryable ? " (a retry may succeed)" : ""}`;
  }
}

// The export of the world. A thrown string is the err case of the result.
export function ask(question) {
  let mistake = "";
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { status, stdout, stderr } = run(writeProgram(question, mistake));
    if (status.tag === "exited" && status.val === 0) return stdout.text.trim();
    // A program that fails is not an error. Its traceback tells the model what to correct.
    mistake = stderr.text;
  }
  throw `No program worked. The last one failed with: ${mistake}`;
}
