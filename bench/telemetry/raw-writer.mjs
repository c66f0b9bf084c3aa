// raw-writer.mjs URL FILE: the least that can write the lines of a file to InfluxDB: 5,000 in a POST, four POSTs at once.
// Says "ready" when it has read the file, begins at the first input, says "done" when all is stored, ends with its input.
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import process from "node:process";

const [url, file] = process.argv.slice(2);
const lines = readFileSync(file, "utf8").trimEnd().split("\n");
const agent = new Agent({ keepAlive: true });
let next = 0;

function post(body) {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/write?db=edgewatt&precision=n`, { method: "POST", agent }, (response) => {
      response.resume().on("end", () => (response.statusCode === 204 ? resolve() : reject(response.statusMessage)));
    });
    sent.on("error", reject).end(body);
  });
}

async function writeAll() {
  while (next < lines.length) {
    const from = next;
    next += 5000;
    await post(lines.slice(from, next).join("\n"));
  }
}

process.stdin.once("data", () => {
  void Promise.all([writeAll(), writeAll(), writeAll(), writeAll()]).then(() => process.stdout.write("done\n"));
});
process.stdin.on("end", () => process.exit());
process.stdout.write("ready\n");
