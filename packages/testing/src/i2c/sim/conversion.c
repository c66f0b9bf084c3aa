/* Conversion in cycles on CLOCK_MONOTONIC, and the arithmetic that the chips share. */
#include "sim.h"
#include <math.h>
#include <string.h>

/* INA226 (TI SBOS547, tables 7 and 8) and INA3221 (SBOS576, tables 4 and 5). */
const double CONVERSION_S[8] = {140e-6, 204e-6, 332e-6, 588e-6, 1100e-6, 2116e-6, 4156e-6, 8244e-6};
const int AVERAGES[8] = {1, 4, 16, 64, 128, 256, 512, 1024};

/* Of a triggered conversion that has ended. */
#define SPENT 2

void start_conversions(struct chip *chip, int single, double now) {
  chip->started = now;
  chip->done = 0;
  chip->single = single;
  chip->ready = 0;
}

void power_up(struct chip *chip, const struct chip_type *type, double now) {
  struct chip fresh = {.powered = 1,
                       .resets_done = chip->resets_done,
                       .transfers = chip->transfers,
                       .pointer = chip->pointer,
                       .preset_energy = chip->preset_energy};
  *chip = fresh;
  type->reset(chip);
  start_conversions(chip, 0, now);
}

void run_conversions(struct chip *chip, const struct chip_control *control, double now) {
  double cycle = control->type->cycle(chip) / (1 + control->clock_error);
  if (cycle <= 0) return;
  if (control->stuck) {
    chip->started = now;
    chip->done = 0;
    return;
  }
  int64_t ended = (int64_t)floor((now - chip->started) / cycle);
  if (ended > chip->done && !control->type->needs_all) chip->done = ended - 1;
  while (chip->done < ended && chip->single != SPENT) {
    if (control->type->convert(chip, control, chip->done, chip->started + (double)chip->done * cycle)) {
      chip->ready = 1;
      if (chip->single) chip->single = SPENT;
    }
    chip->done++;
  }
}

/* splitmix64 */
static uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

static double uniform(uint64_t x) { return ((double)(mix(x) >> 11) + 0.5) / 9007199254740992.0; }

/* Standard normal (Box and Muller), the same for the same numbers. */
static double normal(uint64_t seed, int64_t k, int input) {
  uint64_t at = mix(seed) ^ mix((uint64_t)k * 64 + (uint64_t)input * 2);
  return sqrt(-2 * log(uniform(at))) * cos(2 * M_PI * uniform(at + 1));
}

static int32_t quantize(double volts, double lsb, int32_t low, int32_t high) {
  return (int32_t)fmax(low, fmin(high, round(volts / lsb)));
}

int32_t convert_shunt(const struct chip_control *control, int channel, int64_t k, double *t, double nominal, double lsb,
                      int32_t low, int32_t high) {
  const struct load *load = &control->load[channel];
  double end = *t + nominal / (1 + control->clock_error);
  double volts = mean_amps(load, *t, end) * load->shunt_ohm * (1 + control->shunt_gain) + control->shunt_offset;
  if (control->shunt_noise > 0) volts += control->shunt_noise * normal(control->seed, k, channel);
  *t = end;
  return quantize(volts, lsb, low, high);
}

int32_t convert_bus(const struct chip_control *control, int channel, int64_t k, double *t, double nominal, double lsb,
                    int32_t low, int32_t high) {
  double end = *t + nominal / (1 + control->clock_error);
  double volts = mean_volts(&control->load[channel], *t, end) * (1 + control->bus_gain) + control->bus_offset;
  if (control->bus_noise > 0) volts += control->bus_noise * normal(control->seed, k, MAX_CHANNELS + channel);
  *t = end;
  return quantize(volts, lsb, low, high);
}

int put_word(uint8_t *out, uint16_t word) {
  out[0] = (uint8_t)(word >> 8);
  out[1] = (uint8_t)word;
  return 2;
}

int put_24(uint8_t *out, uint32_t value) {
  for (int i = 0; i < 3; i++) out[i] = (uint8_t)(value >> (16 - 8 * i));
  return 3;
}

int put_40(uint8_t *out, uint64_t value) {
  for (int i = 0; i < 5; i++) out[i] = (uint8_t)(value >> (32 - 8 * i));
  return 5;
}
