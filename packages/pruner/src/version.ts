// `@edgewatt/pruner/version`: it loads nothing, so that an agent can name what it keeps by it.

/**
 * Of what the pruner makes: raised with every change that gives another file or report for the same model, data and options, so that who keeps
 * results can tell old ones.
 */
export const PRUNER_VERSION = 2;
