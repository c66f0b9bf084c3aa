/** The version of every payload of this package. Readers refuse any other. */
export const MESSAGE_VERSION = 1;
