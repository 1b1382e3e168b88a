// A stock Socket.IO client that tells each thing it hears as a line of JSON, and does what lines on
// its standard input say: {"emit": […]} with an answer, {"drop": true} as a broken line.
//
//     node socketio.cjs <package> <url> <options as JSON>
//
// With "resume" among the options it comes back with the last seq it has heard.
"use strict";

const { createRequire } = require("node:module");
const { createInterface } = require("node:readline");

const [name, url, options] = process.argv.slice(2);
const { io } = createRequire(`${process.env.DESKBELL_CLIENTS}/`)(name);
const tell = (line) => console.log(JSON.stringify(line));

const wanted = JSON.parse(options);
const last = {};
if (wanted.resume) {
  const auth = wanted.auth;
  wanted.auth = (answer) => answer({ ...auth, ...last });
}
const socket = io(url, wanted);
const transport = () => socket.io.engine.transport.name;

socket.io.on("open", () => {
  tell({ is: "open", transport: transport() });
  socket.io.engine.once("upgrade", () => tell({ is: "upgrade", transport: transport() }));
});
socket.on("connect", () => tell({ is: "connect", recovered: socket.recovered === true }));
socket.on("connect_error", (e) => tell({ is: "connect_error", message: e.message }));
socket.on("disconnect", (reason) => tell({ is: "disconnect", reason }));
socket.onAny((...args) => {
  if (args[1]?.seq) last.since = args[1].seq;
  tell({ is: "event", args });
});

createInterface({ input: process.stdin }).on("line", (line) => {
  const { emit, drop } = JSON.parse(line);
  if (emit) socket.emit(...emit, (...args) => tell({ is: "answer", args }));
  if (drop) socket.io.engine.close();
});
