/*
 * INA3221, TI SBOS576B: three channels, converted in turn, shunt before bus; no power and no current. Results are in bits
 * 15:3, the shunt sum in bits 15:1. CVRF is cleared by reading Mask/Enable or writing the configuration (section 8.6.2).
 */
#include "sim.h"
#include <math.h>

enum { CONFIGURATION, SHUNT_1, BUS_1, SHUNT_SUM = 0x0D, SUM_LIMIT, MASK_ENABLE, VALID_UPPER, VALID_LOWER };

#define RESET_CONFIGURATION 0x7127
#define RST 0x8000
#define CVRF 1
#define SHUNT_LSB 40e-6
#define BUS_LSB 8e-3

static void reset(struct chip *chip) {
  chip->registers[CONFIGURATION] = RESET_CONFIGURATION;
  for (int limit = 0x07; limit <= 0x0C; limit++) chip->registers[limit] = 0x7FF8;
  chip->registers[SUM_LIMIT] = 0x7FFE;
  chip->registers[MASK_ENABLE] = 0x0002;
  chip->registers[VALID_UPPER] = 0x2710;
  chip->registers[VALID_LOWER] = 0x2328;
}

static int has_channel(const struct chip *chip, int channel) {
  return chip->registers[CONFIGURATION] >> (14 - channel) & 1;
}

static int averages(const struct chip *chip) { return AVERAGES[chip->registers[CONFIGURATION] >> 9 & 7]; }

static double shunt_time(const struct chip *chip) {
  uint16_t configuration = chip->registers[CONFIGURATION];
  return configuration & 1 ? CONVERSION_S[configuration >> 3 & 7] : 0;
}

static double bus_time(const struct chip *chip) {
  uint16_t configuration = chip->registers[CONFIGURATION];
  return configuration & 2 ? CONVERSION_S[configuration >> 6 & 7] : 0;
}

static double cycle(const struct chip *chip) {
  int channels = has_channel(chip, 0) + has_channel(chip, 1) + has_channel(chip, 2);
  return channels * (shunt_time(chip) + bus_time(chip)) * averages(chip);
}

static int convert(struct chip *chip, const struct chip_control *control, int64_t k, double t) {
  uint16_t *registers = chip->registers;
  int n = averages(chip);
  double shunts[3] = {0}, buses[3] = {0};
  for (int i = 0; i < n; i++) {
    for (int c = 0; c < 3; c++) {
      if (!has_channel(chip, c)) continue;
      int64_t at = k * n + i;
      if (shunt_time(chip) > 0) shunts[c] += convert_shunt(control, c, at, &t, shunt_time(chip), SHUNT_LSB, -4096, 4095);
      if (bus_time(chip) > 0) buses[c] += convert_bus(control, c, at, &t, bus_time(chip), BUS_LSB, -4096, 4095);
    }
  }
  int32_t sum = 0;
  for (int c = 0; c < 3; c++) {
    if (!has_channel(chip, c)) continue;
    int32_t shunt = (int32_t)round(shunts[c] / n), bus = (int32_t)round(buses[c] / n);
    if (shunt_time(chip) > 0) registers[SHUNT_1 + 2 * c] = (uint16_t)(shunt * 8);
    if (bus_time(chip) > 0) registers[BUS_1 + 2 * c] = (uint16_t)(bus * 8);
    /* SCC1 to SCC3 say which channels are summed. */
    if (registers[MASK_ENABLE] >> (14 - c) & 1) sum += shunt;
  }
  registers[SHUNT_SUM] = (uint16_t)(sum * 2);
  return 1;
}

static int read(struct chip *chip, const struct chip_control *control, uint8_t reg, uint8_t *out) {
  (void)control;
  if (reg == 0xFE) return put_word(out, 0x5449);
  if (reg == 0xFF) return put_word(out, 0x3220);
  if (reg > VALID_LOWER) return put_word(out, 0);
  uint16_t word = chip->registers[reg];
  if (reg == MASK_ENABLE) {
    word |= chip->ready ? CVRF : 0;
    chip->ready = 0;
  }
  return put_word(out, word);
}

static void write(struct chip *chip, uint8_t reg, uint16_t value, double now) {
  if ((reg >= 0x07 && reg <= 0x0C) || reg == SUM_LIMIT || reg == VALID_UPPER || reg == VALID_LOWER) {
    chip->registers[reg] = value;
  }
  if (reg == MASK_ENABLE) chip->registers[reg] = (value & 0x7C00) | (chip->registers[reg] & 0x0002);
  if (reg != CONFIGURATION) return;
  if (value & RST) {
    power_up(chip, &ina3221, now);
    return;
  }
  chip->registers[CONFIGURATION] = value & 0x7FFF;
  start_conversions(chip, !(value & 4), now);
}

const struct chip_type ina3221 = {"ina3221", 3, 0, reset, cycle, convert, read, write};
