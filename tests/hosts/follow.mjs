// Streams an execution through a transpiled component and prints its status or its error: follow.mjs MODULE
const { codeExecutorStream: stream } = await import(process.argv[2]);
try {
  const id = stream.start({ code: "print(6*7)" });
  let event = stream.next(id);
  while (event.tag !== "ended") event = stream.next(id);
  console.log(JSON.stringify(event.val.status));
} catch (error) {
  if (!error.payload) throw error;
  console.log(JSON.stringify(error.payload));
}
