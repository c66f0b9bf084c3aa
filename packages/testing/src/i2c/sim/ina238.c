/* INA238, TI SLYS022A: the INA228 with 16 bits, and without totals and temperature compensation. */
#include "ina228.h"
#include <math.h>

/* Power = 0.2 * current LSB, so its divisor is 0.2 / 3.125 mV. */
static const struct ina228_steps STEPS = {{5e-6, 1.25e-6}, 3.125e-3, 32767, 64};

static int convert(struct chip *chip, const struct chip_control *control, int64_t k, double t) {
  return ina228_convert(chip, control, k, t, &STEPS, NULL);
}

static int read(struct chip *chip, const struct chip_control *control, uint8_t reg, uint8_t *out) {
  switch (reg) {
    case SHUNT:
      return put_word(out, (uint16_t)chip->shunt);
    case BUS:
      return put_word(out, (uint16_t)chip->bus);
    case CURRENT:
      return put_word(out, (uint16_t)chip->current);
    case TEMPERATURE:
      return put_word(out, (uint16_t)(int16_t)(lround(control->celsius / 0.125) * 16));
    case SHUNT_TEMPCO:
    case ENERGY:
    case CHARGE:
      return put_word(out, 0);
    case DEVICE:
      return put_word(out, 0x2381);
    default:
      return ina228_read_common(chip, reg, out);
  }
}

static void write(struct chip *chip, uint8_t reg, uint16_t value, double now) {
  if (reg != SHUNT_TEMPCO) ina228_write(chip, &ina238, reg, value, now);
}

const struct chip_type ina238 = {"ina238", 1, 1, ina228_reset, ina228_cycle, convert, read, write};
