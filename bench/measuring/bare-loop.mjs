// Serves the latency benchmark where Python's onnxruntime is missing: the same protocol as latency.py, a bare loop over the
// Node.js binding.
import { createInterface } from "node:readline";
import process from "node:process";
import * as ort from "onnxruntime-node";

const [path, threads] = process.argv.slice(2);
const session = await ort.InferenceSession.create(path, {
  intraOpNumThreads: Number(threads),
  interOpNumThreads: 1,
  extra: { session: { intra_op: { allow_spinning: "0" } } },
});
const [input] = session.inputMetadata;
const dims = input.shape.map((side) => (typeof side === "number" ? side : 1));
const image = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => (i % 251) / 251);
const feeds = { [input.name]: new ort.Tensor("float32", image, dims) };
for (let i = 0; i < 100; i++) await session.run(feeds);
process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  const times = [];
  const end = performance.now() + 1000 * Number(line);
  for (let before = performance.now(); before < end;) {
    await session.run(feeds);
    const after = performance.now();
    times.push(after - before);
    before = after;
  }
  times.sort((a, b) => a - b);
  process.stdout.write(`${times[Math.floor(times.length / 2)]}\n`);
}
