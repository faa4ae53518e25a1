// Calls a transpiled component and prints the output or the error: call.mjs MODULE
const { codeExecutor } = await import(process.argv[2]);
try {
  console.log(codeExecutor.execute({ code: "print(6*7)", limits: { wallTimeMs: 1n, startupTimeMs: 1n } }).stdout.text);
} catch (error) {
  if (!error.payload) throw error;
  console.log(JSON.stringify(error.payload));
}
