// Reads calls from standard input and writes their results to standard output, as README.md describes.
import { createInterface } from "node:readline";

/** Executes the calls of each line with `execute(interface, function, arguments)`. */
export async function serve(execute) {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await execute(...JSON.parse(line))));
  }
}
