/**
 * An I²C bus as sensors see it: registers that hold their high byte first, 16-bit ones as SMBus words, longer ones as blocks.
 * Calls are synchronous because they run in the sampler's own process, where a thread hop would cost more than the transfer.
 */
export interface I2cBus extends Disposable {
  /** @throws {DeviceError} `bus-absent`, `bus-refused`, `no-answer`, `address-busy` or `bus-error` */
  readWord(address: number, register: number): number;
  /** @throws {DeviceError} as {@link readWord} */
  writeWord(address: number, register: number, value: number): void;
  /**
   * Fills the caller's buffer, of 1 to 32 bytes, in the order of the wire.
   * @throws {DeviceError} as {@link readWord}; after that the content of the buffer is undefined
   */
  readBlock(address: number, register: number, into: Buffer): void;
}

/** Opens bus number `n` (`/dev/i2c-n`). The first access to each address proves that someone answers there. */
export type OpenI2cBus = (busNumber: number) => Promise<I2cBus>;
