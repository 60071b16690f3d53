/** A machine's program: greets whoever asks, until it is told to stop. */
import { createServer } from "node:http";
import { parentPort } from "node:worker_threads";

const [greeting = "Hello"] = process.argv.slice(2);
const server = createServer((_, response) => response.end(`${greeting} from a thread\n`));

server.listen(process.env.PORT, "127.0.0.1", () => console.log(`listening on ${process.env.PORT}`));
parentPort?.once("message", () => {
  console.log("stopping");
  server.close();
});
