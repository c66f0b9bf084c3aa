#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";

// Before anything is loaded: the space for new objects stays at 1 MB instead of growing to 32. The memory of a command is in weights and in
// ONNX Runtime, and the services run in processes of their own.
setFlagsFromString("--semi-space-growth-factor=1");
await import("../dist/main.js");
