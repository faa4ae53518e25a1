// The agent as a web server. `GET /?q=QUESTION` answers with the text of `ask`.
import { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } from "wasi:http/types@0.2.0";
import { ask } from "../javascript/agent.js";

export const incomingHandler = {
  handle(request, responseOut) {
    const { status, text } = answer(new URL(request.pathWithQuery() ?? "/", "http://agent"));
    const response = new OutgoingResponse(new Fields());
    response.setStatusCode(status);
    const body = response.body();
    ResponseOutparam.set(responseOut, { tag: "ok", val: response });

    const stream = body.write();
    const bytes = new TextEncoder().encode(text + "\n");
    // WASI accepts 4096 bytes at once.
    for (let start = 0; start < bytes.length; start += 4096) {
      stream.blockingWriteAndFlush(bytes.subarray(start, start + 4096));
    }
    // The stream is a part of the body, so it must be dropped before the body is finished.
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, undefined);
  },
};

function answer(url) {
  const question = url.searchParams.get("q");
  if (question === null) return { status: 400, text: "Add a question: /?q=QUESTION" };
  try {
    return { status: 200, text: ask(question) };
  } catch (error) {
    // `ask` throws a string, the err case of its result. Anything else is a mistake in the agent.
    if (typeof error !== "string") throw error;
    return { status: 502, text: error };
  }
}
