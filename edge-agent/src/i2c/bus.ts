/**
 * An I²C bus as sensors see it: SMBus word access to registers that hold their high byte first. Calls are synchronous
 * because they run in the sampler's own process, where a thread hop would cost more than the transfer.
 */
export interface I2cBus extends Disposable {
  /** @throws {DeviceError} `bus-absent`, `no-answer`, `address-busy` or `bus-error` */
  readWord(address: number, register: number): number;
  /** @throws {DeviceError} as {@link readWord} */
  writeWord(address: number, register: number, value: number): void;
}

/** Opens bus number `n` (`/dev/i2c-n`). The first access to each address proves that someone answers there. */
export type OpenI2cBus = (busNumber: number) => Promise<I2cBus>;
