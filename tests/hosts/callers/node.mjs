// Calls a component that jco has translated: node node.mjs MODULE
import { fromJson, result } from "./json.mjs";
import { serve } from "./lines.mjs";

const component = await import(process.argv[2]);

await serve(async (name, method, requests) => {
  const exported = component[name.replace(/-./g, ([, letter]) => letter.toUpperCase())];
  const results = [];
  // Each call blocks the thread.
  for (const request of requests) results.push(await result(() => exported[method](fromJson(request))));
  return results;
});
