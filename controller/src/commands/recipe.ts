import type { Command } from "commander";
import { CALIBRATION_METHODS, PARITY_MODES, TECHNIQUES } from "@edgewatt/quantizer/recipe";
import { choice, list, listOf, number } from "../options.ts";

/** How the ranges of activations are found. */
export function withMethod(command: Command): Command {
  return command
    .addOption(
      choice("--method <method>", "how the ranges of activations are found; default: minmax", CALIBRATION_METHODS),
    )
    .option(
      "--percentile <percent>",
      "what --method percentile keeps; default: 99.999",
      number({ min: 50.000_001, max: 100 }),
    );
}

/** The flags that say how a model becomes int8; their values are those of `RecipeOptions`. */
export function withRecipe(command: Command): Command {
  return withMethod(command)
    .option(
      "--techniques <list>",
      `what is done to the float model first, of ${TECHNIQUES.join(", ")}; default: nothing`,
      listOf(TECHNIQUES),
    )
    .option(
      "--accuracy-drop <points>",
      "search for a quantization that loses no more than this, in percentage points, on the images after the calibration images",
      number({ min: 0, max: 100 }),
    )
    .option("--sqnr <db>", "search for one with at least this signal-to-noise at the output, in dB", number())
    .option("--keep-float <nodes>", "names of nodes that stay in float", list)
    .addOption(
      choice(
        "--parity <mode>",
        "bit for bit what onnxruntime's quantize_static makes of the file as it is (ort) or after its quant_pre_process (ort-preprocessed)",
        PARITY_MODES,
      ),
    );
}
