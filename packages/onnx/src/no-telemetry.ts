// ONNX Runtime 1.30 reports its use to its makers, and keeps files for that in the folder for temporary files, unless this is set when it loads.
process.env["ORT_DISABLE_TELEMETRY"] ??= "1";
