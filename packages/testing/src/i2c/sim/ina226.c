/*
 * INA226, TI SBOS547A. Shunt and bus are converted in turn; current and power of every pair are averaged with them, and the
 * registers change when the averaging ends (section 7.3.1). CVRF is cleared by reading Mask/Enable or writing the
 * configuration (section 8.6.1.1).
 */
#include "sim.h"
#include <math.h>
#include <stdlib.h>

enum { CONFIGURATION, SHUNT, BUS, POWER, CURRENT, CALIBRATION, MASK_ENABLE, ALERT_LIMIT };

#define RESET_CONFIGURATION 0x4127
#define RST 0x8000
#define CVRF 8
#define OVF 4
#define SHUNT_LSB 2.5e-6
#define BUS_LSB 1.25e-3

static void reset(struct chip *chip) { chip->registers[CONFIGURATION] = RESET_CONFIGURATION; }

static int averages(const struct chip *chip) { return AVERAGES[chip->registers[CONFIGURATION] >> 9 & 7]; }

static double shunt_time(const struct chip *chip) {
  uint16_t configuration = chip->registers[CONFIGURATION];
  return configuration & 1 ? CONVERSION_S[configuration >> 3 & 7] : 0;
}

static double bus_time(const struct chip *chip) {
  uint16_t configuration = chip->registers[CONFIGURATION];
  return configuration & 2 ? CONVERSION_S[configuration >> 6 & 7] : 0;
}

static double cycle(const struct chip *chip) { return (shunt_time(chip) + bus_time(chip)) * averages(chip); }

static int convert(struct chip *chip, const struct chip_control *control, int64_t k, double t) {
  uint16_t *registers = chip->registers;
  int n = averages(chip);
  double shunts = 0, buses = 0, currents = 0, powers = 0;
  for (int i = 0; i < n; i++) {
    if (shunt_time(chip) > 0) {
      chip->shunt = convert_shunt(control, 0, k * n + i, &t, shunt_time(chip), SHUNT_LSB, -32768, 32767);
    }
    if (bus_time(chip) > 0) chip->bus = convert_bus(control, 0, k * n + i, &t, bus_time(chip), BUS_LSB, 0, 32767);
    /* Section 7.5.1, equations 3 and 4. */
    double current = trunc((double)chip->shunt * registers[CALIBRATION] / 2048);
    shunts += chip->shunt;
    buses += chip->bus;
    currents += current;
    powers += trunc(fabs(current) * chip->bus / 20000);
  }
  double current = round(currents / n), power = round(powers / n);
  chip->overflow = current > 32767 || current < -32768 || power > 65535;
  registers[SHUNT] = (uint16_t)(int32_t)round(shunts / n);
  registers[BUS] = (uint16_t)round(buses / n);
  registers[CURRENT] = (uint16_t)(int64_t)current;
  registers[POWER] = (uint16_t)(int64_t)power;
  return 1;
}

static int read(struct chip *chip, const struct chip_control *control, uint8_t reg, uint8_t *out) {
  (void)control;
  if (reg == 0xFE) return put_word(out, 0x5449);
  if (reg == 0xFF) return put_word(out, 0x2260);
  if (reg > ALERT_LIMIT) return put_word(out, 0);
  uint16_t word = chip->registers[reg];
  if (reg == MASK_ENABLE) {
    word |= (uint16_t)((chip->ready ? CVRF : 0) | (chip->overflow ? OVF : 0));
    chip->ready = 0;
  }
  return put_word(out, word);
}

static void write(struct chip *chip, uint8_t reg, uint16_t value, double now) {
  if (reg == CALIBRATION) chip->registers[reg] = value & 0x7FFF;
  if (reg == MASK_ENABLE) chip->registers[reg] = value & 0xFC03;
  if (reg == ALERT_LIMIT) chip->registers[reg] = value;
  if (reg != CONFIGURATION) return;
  if (value & RST) {
    power_up(chip, &ina226, now);
    return;
  }
  chip->registers[CONFIGURATION] = (value & 0x0FFF) | 0x4000;
  start_conversions(chip, !(value & 4), now);
}

const struct chip_type ina226 = {"ina226", 1, 0, reset, cycle, convert, read, write};
