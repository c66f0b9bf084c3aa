/** The system's name of an error (`EACCES`), or its message where it has none. */
export function systemErrorCode(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
