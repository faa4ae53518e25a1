// Builds the component of a world: `node build.mjs agent FILE` or `node build.mjs web FILE`.
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { componentize } from "@bytecodealliance/componentize-js";
import { _setPreopens } from "@bytecodealliance/preview2-shim/filesystem";

const SOURCES = { agent: "javascript/agent.js", web: "web/server.js" };
const FEATURES = ["random", "stdio", "clocks", "http", "fetch-event"];

const [world, file] = process.argv.slice(2);
const output = resolve(file);

// componentize-js reads WIT files with a component of its own, whose WASI has no folders by default.
_setPreopens({ "/": "/" });
// A source can import modules only from below the current folder.
process.chdir(resolve(import.meta.dirname, ".."));

const { component } = await componentize({
  sourcePath: SOURCES[world],
  witPath: resolve("wit"),
  worldName: world,
  // Without these features, the engine imports no WASI. The web server needs `http`.
  disableFeatures: FEATURES.filter((feature) => world !== "web" || feature !== "http"),
});
await writeFile(output, component);
