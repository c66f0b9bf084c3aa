/*
 * INA219, TI SBOS448G. A cycle is one shunt and one bus conversion, each of which may be the mean of several samples
 * (table 5); registers change when the cycle ends. CNVR is cleared by reading the power register or writing the
 * configuration (section 8.6.3.2). Bit 0 of the calibration register is always 0 (section 8.6.4.1).
 */
#include "sim.h"
#include <stdlib.h>

enum { CONFIGURATION, SHUNT, BUS, POWER, CURRENT, CALIBRATION };

#define RESET_CONFIGURATION 0x399F
#define RST 0x8000
#define CNVR 2
#define OVF 1
#define SHUNT_LSB 10e-6
#define BUS_LSB 4e-3

static void reset(struct chip *chip) { chip->registers[CONFIGURATION] = RESET_CONFIGURATION; }

/* BADC and SADC: 9 to 12 bits, or 2^n samples of 12 bits. */
static double adc_time(int code) {
  static const double times[4] = {84e-6, 148e-6, 276e-6, 532e-6};
  return code & 8 ? 532e-6 * (1 << (code & 7)) : times[code & 3];
}

static int adc_step(int code) { return code & 8 ? 1 : 1 << (3 - (code & 3)); }

static int shunt_code(const struct chip *chip) { return chip->registers[CONFIGURATION] >> 3 & 15; }
static int bus_code(const struct chip *chip) { return chip->registers[CONFIGURATION] >> 7 & 15; }
static int has_shunt(const struct chip *chip) { return chip->registers[CONFIGURATION] & 1; }
static int has_bus(const struct chip *chip) { return chip->registers[CONFIGURATION] >> 1 & 1; }

/* MODE 0 is power-down and 4 is "ADC off"; both convert neither. */
static double cycle(const struct chip *chip) {
  return (has_shunt(chip) ? adc_time(shunt_code(chip)) : 0) + (has_bus(chip) ? adc_time(bus_code(chip)) : 0);
}

static int convert(struct chip *chip, const struct chip_control *control, int64_t k, double t) {
  uint16_t *registers = chip->registers;
  if (has_shunt(chip)) {
    int32_t full = 4000 << (registers[CONFIGURATION] >> 11 & 3), step = adc_step(shunt_code(chip));
    double time = adc_time(shunt_code(chip)), lsb = SHUNT_LSB * step;
    chip->shunt = convert_shunt(control, 0, k, &t, time, lsb, -full / step, full / step) * step;
  }
  if (has_bus(chip)) {
    int32_t full = registers[CONFIGURATION] & 0x2000 ? 8000 : 4000, step = adc_step(bus_code(chip));
    chip->bus = convert_bus(control, 0, k, &t, adc_time(bus_code(chip)), BUS_LSB * step, 0, full / step) * step;
  }
  /* Section 8.5.1, equations 4 and 5. */
  int64_t current = (int64_t)chip->shunt * registers[CALIBRATION] / 4096;
  int64_t power = llabs(current) * chip->bus / 5000;
  chip->overflow = current > 32767 || current < -32768 || power > 65535;
  registers[SHUNT] = (uint16_t)chip->shunt;
  registers[BUS] = (uint16_t)(chip->bus << 3);
  registers[CURRENT] = (uint16_t)current;
  registers[POWER] = (uint16_t)power;
  return 1;
}

static int read(struct chip *chip, const struct chip_control *control, uint8_t reg, uint8_t *out) {
  (void)control;
  if (reg > CALIBRATION) return put_word(out, 0);
  uint16_t word = chip->registers[reg];
  if (reg == BUS) word |= (uint16_t)((chip->ready ? CNVR : 0) | (chip->overflow ? OVF : 0));
  if (reg == POWER) chip->ready = 0;
  return put_word(out, word);
}

static void write(struct chip *chip, uint8_t reg, uint16_t value, double now) {
  if (reg == CALIBRATION) chip->registers[CALIBRATION] = value & 0xFFFE;
  if (reg != CONFIGURATION) return;
  if (value & RST) {
    power_up(chip, &ina219, now);
    return;
  }
  chip->registers[CONFIGURATION] = value & 0xBFFF;
  start_conversions(chip, !(value & 4), now);
}

const struct chip_type ina219 = {"ina219", 1, 0, reset, cycle, convert, read, write};
