/* INA228 (TI SLYS021A) and INA238 (SLYS025B): conversion, flags and writes that both do alike. */
#include "ina228.h"
#include <math.h>

/* ADC_CONFIG, table 7-6. */
static const double TIMES_S[8] = {50e-6, 84e-6, 150e-6, 280e-6, 540e-6, 1052e-6, 2074e-6, 4120e-6};
static const int SAMPLES[8] = {1, 4, 16, 64, 128, 256, 512, 1024};

#define RESET_ADC_CONFIGURATION 0xFB68
#define RESET_SHUNT_CAL 0x1000
#define CONVDLY_S 2e-3

static double time_of(const struct chip *chip, int mode_bit, int shift) {
  uint16_t configuration = chip->registers[ADC_CONFIGURATION];
  return configuration >> 12 & mode_bit ? TIMES_S[configuration >> shift & 7] : 0;
}

/* MODE: bit 0 bus, bit 1 shunt, bit 2 temperature, bit 3 continuous. */
static double bus_time(const struct chip *chip) { return time_of(chip, 1, 9); }
static double shunt_time(const struct chip *chip) { return time_of(chip, 2, 6); }
static double temperature_time(const struct chip *chip) { return time_of(chip, 4, 3); }
static int samples(const struct chip *chip) { return SAMPLES[chip->registers[ADC_CONFIGURATION] & 7]; }

void ina228_reset(struct chip *chip) {
  chip->registers[ADC_CONFIGURATION] = RESET_ADC_CONFIGURATION;
  chip->registers[SHUNT_CAL] = RESET_SHUNT_CAL;
  chip->registers[DIAG_ALRT] = MEMSTAT;
  static const uint16_t limits[] = {0x7FFF, 0x8000, 0x7FFF, 0x0000, 0x7FFF, 0xFFFF};
  for (int i = 0; i < 6; i++) chip->registers[FIRST_LIMIT + i] = limits[i];
}

double ina228_cycle(const struct chip *chip) { return shunt_time(chip) + bus_time(chip) + temperature_time(chip); }

static double limited(double value, double limit, int *overflow) {
  if (fabs(value) <= limit) return value;
  *overflow = 1;
  return copysign(limit, value);
}

int ina228_convert(struct chip *chip, const struct chip_control *control, int64_t k, double t,
                   const struct ina228_steps *steps,
                   void (*each)(struct chip *chip, double current, double power, double seconds)) {
  double lsb = steps->shunt[chip->registers[CONFIGURATION] & ADCRANGE ? 1 : 0];
  double calibration = chip->registers[SHUNT_CAL];
  int n = samples(chip);
  int32_t shunt = chip->shunt, bus = chip->bus;
  if (k % n == 0) chip->shunts = chip->buses = chip->currents = chip->powers = 0;
  if (shunt_time(chip) > 0) {
    shunt = convert_shunt(control, 0, k, &t, shunt_time(chip), lsb, -steps->full - 1, steps->full);
  }
  if (bus_time(chip) > 0) bus = convert_bus(control, 0, k, &t, bus_time(chip), steps->bus, 0, steps->full);
  /* SHUNT_CAL is the shunt in units that make the current come out in its LSB (section 8.1.2): 4096 where both agree. */
  double current = calibration > 0 ? shunt * 4096.0 / calibration : 0;
  current = limited(current, steps->full, &chip->overflow);
  double power = limited(fabs(current) * bus / steps->power_divisor, 0xFFFFFF, &chip->overflow);
  if (each) each(chip, current, power, ina228_cycle(chip));
  chip->shunts += shunt;
  chip->buses += bus;
  chip->currents += current;
  chip->powers += power;
  if (k % n != n - 1) return 0;
  chip->shunt = (int32_t)round(chip->shunts / n);
  chip->bus = (int32_t)round(chip->buses / n);
  chip->current = (int32_t)round(chip->currents / n);
  chip->power = (uint32_t)round(chip->powers / n);
  return 1;
}

int ina228_read_common(struct chip *chip, uint8_t reg, uint8_t *out) {
  uint16_t word = chip->registers[reg];
  switch (reg) {
    case MANUFACTURER:
      return put_word(out, 0x5449);
    case POWER:
      return put_24(out, chip->power);
    case DIAG_ALRT:
      word |= (uint16_t)((chip->ready ? CNVRF : 0) | (chip->overflow ? MATHOF : 0));
      word |= (uint16_t)((chip->energy_overflow ? ENERGYOF : 0) | (chip->charge_overflow ? CHARGEOF : 0));
      /* CNVRF: "When ALATCH = 1 this bit is cleared by reading the register or starting a new triggered conversion". */
      if (word & ALATCH) chip->ready = 0;
      return put_word(out, word);
    default:
      return put_word(out, word);
  }
}

void ina228_write(struct chip *chip, const struct chip_type *type, uint8_t reg, uint16_t value, double now) {
  switch (reg) {
    case CONFIGURATION:
      if (value & RST) {
        power_up(chip, type, now);
        return;
      }
      if (value & RSTACC && type == &ina228) {
        struct accumulator empty = {0};
        chip->accumulated = empty;
        chip->overflow = chip->energy_overflow = chip->charge_overflow = 0;
      }
      chip->registers[reg] = value & 0x3FF0;
      return;
    case ADC_CONFIGURATION: {
      chip->registers[reg] = value;
      double delay = (chip->registers[CONFIGURATION] >> 6 & 0xFF) * CONVDLY_S;
      chip->overflow = 0;
      start_conversions(chip, !(value & 0x8000), now + delay);
      return;
    }
    case SHUNT_CAL:
      chip->registers[reg] = value & 0x7FFF;
      return;
    case SHUNT_TEMPCO:
      chip->registers[reg] = value & 0x3FFF;
      return;
    case DIAG_ALRT:
      chip->registers[reg] = (value & 0xF000) | MEMSTAT;
      return;
    default:
      if (reg >= FIRST_LIMIT && reg <= LAST_LIMIT) chip->registers[reg] = value;
  }
}
