/** A register, address or its content as datasheets write it: `0x40`, `0x399f`. */
export function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}
