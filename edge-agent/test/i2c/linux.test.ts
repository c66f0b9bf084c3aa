import { beforeEach, describe, expect, it, vi } from "vitest";
import { openLinuxBus } from "../../src/i2c/linux.ts";

/** Stands in for the addon, which has no bus here; the sampler's integration tests run the real one on a simulated bus. */
const addon = vi.hoisted(() => ({
  opened: 0,
  closed: 0,
  errno: undefined as { code: string; errno: number } | undefined,
  bytes: [0x12, 0x34, 0x56, 0x78, 0x9a],
  got: undefined as number | undefined,
  written: [] as number[],
}));

vi.mock("i2c-bus", () => {
  const check = () => {
    if (addon.errno !== undefined) throw Object.assign(new RangeError("errno"), addon.errno);
  };
  const bus = {
    readWordSync() {
      check();
      return 0x3412;
    },
    writeWordSync(_address: number, _register: number, word: number) {
      check();
      addon.written.push(word);
    },
    readI2cBlockSync(_address: number, _register: number, length: number, into: Buffer) {
      check();
      into.set(addon.bytes.slice(0, length));
      return addon.got ?? length;
    },
    closeSync() {
      addon.closed += 1;
    },
  };
  const openSync = () => {
    addon.opened += 1;
    return bus;
  };
  return { default: { openSync } };
});

beforeEach(() => {
  Object.assign(addon, { opened: 0, closed: 0, errno: undefined, got: undefined, written: [] });
});

describe("LinuxI2cBus", () => {
  it("turns words around, whose high byte comes first from the chip and last in SMBus", async () => {
    using bus = await openLinuxBus(1);
    expect(bus.readWord(0x40, 0)).toBe(0x1234);
    bus.writeWord(0x40, 5, 0xa001);
    expect(addon.written).toEqual([0x01a0]);
  });

  it("fills the caller's buffer in the order of the wire", async () => {
    using bus = await openLinuxBus(1);
    const energy = Buffer.alloc(5);
    bus.readBlock(0x40, 9, energy);
    expect(energy.readUIntBE(0, 5)).toBe(0x12_3456_789a);
    const power = Buffer.alloc(3);
    bus.readBlock(0x40, 8, power);
    expect(power.readUIntBE(0, 3)).toBe(0x12_3456);
  });

  it("takes a short block for a failed transfer", async () => {
    using bus = await openLinuxBus(1);
    addon.got = 2;
    expect(() => bus.readBlock(0x40, 8, Buffer.alloc(3))).toThrow(
      /register 0x08 of \/dev\/i2c-1 failed \(2 of 3 bytes\)/,
    );
    expect(addon.closed).toBe(1);
  });

  it.each([
    ["ENOENT", 2, "bus-absent"],
    ["EACCES", 13, "bus-refused"],
    ["ENXIO", 6, "no-answer"],
    ["", 121, "no-answer"],
    ["EBUSY", 16, "address-busy"],
    ["EIO", 5, "bus-error"],
  ])("names %s (errno %i) %s, for words and for blocks, and drops the native bus", async (code, errno, fault) => {
    using bus = await openLinuxBus(3);
    const accesses = [
      () => bus.readWord(0x41, 2),
      () => bus.writeWord(0x41, 2, 1),
      () => bus.readBlock(0x41, 2, Buffer.alloc(3)),
    ];
    for (const access of accesses) {
      addon.errno = { code, errno };
      expect(access).toThrow(
        expect.objectContaining({
          code: fault,
          retryable: true,
          context: { bus: 3, address: 0x41, register: 2 },
        }) as Error,
      );
      addon.errno = undefined;
      access();
    }
    expect(addon).toMatchObject({ opened: 4, closed: 3 });
  });
});
