// Calls the component with JSPI, in the folder of examples/hosts/jspi: node jspi.mjs
import { fromJson, result } from "./json.mjs";
import { serve } from "./lines.mjs";

const { execute } = await import(`${process.cwd()}/host.mjs`);

await serve((name, method, requests) =>
  Promise.all(requests.map((request) => result(() => execute(fromJson(request))))),
);
