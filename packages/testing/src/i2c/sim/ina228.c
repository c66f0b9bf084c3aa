/*
 * INA228, TI SBOSA20A: 20 bits, and running totals of energy and charge over every conversion, averaged or not (section
 * 7.3.4). The totals take a conversion for as long as the chip's own oscillator says, so they share its error.
 */
#include "ina228.h"
#include <math.h>

#define FORTY_BITS 1099511627776.0

/* Sections 7.6.1.5 to 7.6.1.9: power = 3.2 * current LSB, so its divisor is 3.2 / 195.3125 uV. */
static const struct ina228_steps STEPS = {{312.5e-9, 78.125e-9}, 195.3125e-6, 524287, 16384};

/* One step of energy is 16 steps of power for a second, one of charge a step of current for a second. */
static void accumulate(struct chip *chip, double current, double power, double seconds) {
  chip->accumulated.energy += power * seconds / 16;
  chip->accumulated.charge += current * seconds;
  if (chip->accumulated.energy >= FORTY_BITS) {
    chip->accumulated.energy -= FORTY_BITS;
    chip->energy_overflow = 1;
  }
  if (fabs(chip->accumulated.charge) >= FORTY_BITS / 2) {
    chip->accumulated.charge -= copysign(FORTY_BITS, chip->accumulated.charge);
    chip->charge_overflow = 1;
  }
}

static int convert(struct chip *chip, const struct chip_control *control, int64_t k, double t) {
  return ina228_convert(chip, control, k, t, &STEPS, accumulate);
}

static uint32_t twenty_bits(int32_t value) { return ((uint32_t)value & 0xFFFFF) << 4; }

static int read(struct chip *chip, const struct chip_control *control, uint8_t reg, uint8_t *out) {
  switch (reg) {
    case SHUNT:
      return put_24(out, twenty_bits(chip->shunt));
    case BUS:
      return put_24(out, twenty_bits(chip->bus));
    case CURRENT:
      return put_24(out, twenty_bits(chip->current));
    case TEMPERATURE:
      return put_word(out, (uint16_t)(int16_t)lround(control->celsius / 7.8125e-3));
    case ENERGY:
      chip->energy_overflow = 0;
      return put_40(out, (uint64_t)chip->accumulated.energy);
    case CHARGE:
      chip->charge_overflow = 0;
      return put_40(out, (uint64_t)(int64_t)chip->accumulated.charge);
    case DEVICE:
      return put_word(out, 0x2281);
    default:
      return ina228_read_common(chip, reg, out);
  }
}

static void write(struct chip *chip, uint8_t reg, uint16_t value, double now) {
  ina228_write(chip, &ina228, reg, value, now);
}

const struct chip_type ina228 = {"ina228", 1, 1, ina228_reset, ina228_cycle, convert, read, write};
