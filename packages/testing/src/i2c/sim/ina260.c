/*
 * INA260, TI SBOS656C: an INA226 with a shunt of 2 mOhm inside, whose registers count 1.25 mA, 1.25 mV and 10 mW and which
 * needs no calibration (section 8.6). The shunt of the control file is not looked at.
 */
#include "sim.h"
#include <math.h>

enum { CONFIGURATION, CURRENT, BUS, POWER, MASK_ENABLE = 6, ALERT_LIMIT };

#define RESET_CONFIGURATION 0x6127
#define RST 0x8000
#define CVRF 8
#define OVF 4
#define SHUNT_OHM 2e-3
#define CURRENT_LSB 1.25e-3
#define BUS_LSB 1.25e-3
#define POWER_LSB 10e-3

static void reset(struct chip *chip) { chip->registers[CONFIGURATION] = RESET_CONFIGURATION; }

static int averages(const struct chip *chip) { return AVERAGES[chip->registers[CONFIGURATION] >> 9 & 7]; }

static double current_time(const struct chip *chip) {
  uint16_t configuration = chip->registers[CONFIGURATION];
  return configuration & 1 ? CONVERSION_S[configuration >> 3 & 7] : 0;
}

static double bus_time(const struct chip *chip) {
  uint16_t configuration = chip->registers[CONFIGURATION];
  return configuration & 2 ? CONVERSION_S[configuration >> 6 & 7] : 0;
}

static double cycle(const struct chip *chip) { return (current_time(chip) + bus_time(chip)) * averages(chip); }

static int convert(struct chip *chip, const struct chip_control *control, int64_t k, double t) {
  uint16_t *registers = chip->registers;
  int n = averages(chip);
  double lsb = CURRENT_LSB * control->load[0].shunt_ohm;
  double currents = 0, buses = 0, powers = 0;
  for (int i = 0; i < n; i++) {
    if (current_time(chip) > 0) {
      chip->current = convert_shunt(control, 0, k * n + i, &t, current_time(chip), lsb, -32768, 32767);
    }
    if (bus_time(chip) > 0) chip->bus = convert_bus(control, 0, k * n + i, &t, bus_time(chip), BUS_LSB, 0, 32767);
    currents += chip->current;
    buses += chip->bus;
    powers += fabs(chip->current * CURRENT_LSB) * chip->bus * BUS_LSB / POWER_LSB;
  }
  double power = round(powers / n);
  chip->overflow = power > 65535;
  registers[CURRENT] = (uint16_t)(int32_t)round(currents / n);
  registers[BUS] = (uint16_t)round(buses / n);
  registers[POWER] = (uint16_t)fmin(power, 65535);
  return 1;
}

static int read(struct chip *chip, const struct chip_control *control, uint8_t reg, uint8_t *out) {
  (void)control;
  if (reg == 0xFE) return put_word(out, 0x5449);
  if (reg == 0xFF) return put_word(out, 0x2270);
  if (reg > ALERT_LIMIT) return put_word(out, 0);
  uint16_t word = chip->registers[reg];
  if (reg == MASK_ENABLE) {
    word |= (uint16_t)((chip->ready ? CVRF : 0) | (chip->overflow ? OVF : 0));
    chip->ready = 0;
  }
  return put_word(out, word);
}

static void write(struct chip *chip, uint8_t reg, uint16_t value, double now) {
  if (reg == MASK_ENABLE) chip->registers[reg] = value & 0xFC03;
  if (reg == ALERT_LIMIT) chip->registers[reg] = value;
  if (reg != CONFIGURATION) return;
  if (value & RST) {
    power_up(chip, &ina260, now);
    return;
  }
  chip->registers[CONFIGURATION] = (value & 0x0FFF) | 0x6000;
  start_conversions(chip, !(value & 4), now);
}

const struct chip_type ina260 = {"ina260", 1, 0, reset, cycle, convert, read, write};
