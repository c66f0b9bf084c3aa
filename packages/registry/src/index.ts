export { artifactFacts, filesOf, type ModelFile } from "./artifact.ts";
export { RegistryError } from "./errors.ts";
export type { ModelEntry } from "./manifest.ts";
export { addToRegistry, checkFree, findModel, findModels, type Model, readRegistry } from "./registry.ts";
