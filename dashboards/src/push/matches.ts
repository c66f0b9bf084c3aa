function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether everything that is wanted is there; what Grafana adds of its own beside it makes no difference. */
export function matches(wanted: unknown, found: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(found) &&
      found.length === wanted.length &&
      wanted.every((item, index) => matches(item, found[index]))
    );
  }
  if (isObject(wanted)) {
    return isObject(found) && Object.entries(wanted).every(([name, value]) => matches(value, found[name]));
  }
  return wanted === found;
}
