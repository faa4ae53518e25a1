// A clock that runs a thousand times faster, so that a deadline of a minute can be awaited.
import { monotonicClock as real } from "../../examples/hosts/node/node_modules/@bytecodealliance/preview2-shim/dist/nodejs/clocks.js";

export const monotonicClock = {
  ...real,
  now: () => real.now() * 1000n,
  subscribeDuration: (nanoseconds) => real.subscribeDuration(nanoseconds / 1000n),
};
