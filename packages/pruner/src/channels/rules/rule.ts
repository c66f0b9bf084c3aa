import type { NodeProto } from "@edgewatt/onnx";
import type { ChannelFlow } from "../flow.ts";

/** Follows channels through a node. False where it does not know how: they have to stay then. */
export type Rule = (flow: ChannelFlow, node: NodeProto) => boolean;
