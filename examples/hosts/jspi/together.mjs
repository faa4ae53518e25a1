// Executes two programs of one second each at once, while a timer ticks. Usage: node together.mjs
import { execute } from "./host.mjs";

let ticks = 0;
const timer = setInterval(() => ticks++, 10);
const started = performance.now();
const code = "import time; time.sleep(1); print(6*7)";
const outcomes = await Promise.all([execute({ code }), execute({ code })]);
clearInterval(timer);
const seconds = (performance.now() - started) / 1000;
const printed = outcomes.map(({ stdout }) => stdout.text.trim());
console.log(`${printed} after ${seconds.toFixed(1)} s, ${ticks} ticks`);
