// The import of the component, by the HTTP API of a sidecar.
import { connect } from "../jspi/sidecar.mjs";

const { COFFERDAM_URL = "http://127.0.0.1:8787", COFFERDAM_TOKEN } = process.env;

export const { run } = connect(COFFERDAM_URL, COFFERDAM_TOKEN);
