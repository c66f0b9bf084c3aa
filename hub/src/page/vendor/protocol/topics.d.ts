// The hub serves this module of the protocol package under this path: it is free of Node.
export { formatTopic, parseTopic, topicFilter, type Topic } from "@edgewatt/protocol";
