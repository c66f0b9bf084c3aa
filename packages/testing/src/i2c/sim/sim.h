/*
 * A simulated I2C bus with power monitors on it, for processes that are started with the shim in LD_PRELOAD. What the bus
 * carries and what fails is said by the control file (control.c), which EDGEWATT_SIM_BUS names; what the chips know lives in
 * "<control file>.state", shared by all processes, so that chips outlive the processes that talk to them as real ones do.
 */
#ifndef EDGEWATT_SIM_H
#define EDGEWATT_SIM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAX_CHIPS 8
#define MAX_CHANNELS 3
#define MAX_SEGMENTS 64
#define MAX_TERMS 4
#define MAX_PHASES 6
#define MAX_FOLLOWED 64
#define CPU_HISTORY 8192

/* ---- What flows (waveform.c, cpu-load.c) ---- */

enum wave { CONSTANT, SQUARE, SINE, RAMP, EXPONENTIAL, CPU };

/* One term of a current, A; its parameters are described at the function that integrates it. */
struct term {
  enum wave wave;
  double p[5];
};

/* Holds from `from`, s of CLOCK_MONOTONIC, until the next segment begins. */
struct segment {
  double from;
  double volts;
  int terms;
  struct term term[MAX_TERMS];
};

/* A supply and what it feeds. */
struct load {
  double shunt_ohm;
  int segments;
  struct segment segment[MAX_SEGMENTS];
};

/* Mean current and mean voltage between two moments, a < b. */
double mean_amps(const struct load *load, double a, double b);
double mean_volts(const struct load *load, double a, double b);

/* Processor time, s, that the followed processes had used at moment `t`. */
double cpu_seconds_at(double t);
/* Makes this process one of them when its command line holds the text. */
void follow_this_process(const char *text);

/* ---- What is on the bus (control.c) ---- */

struct chip;
struct chip_type;

struct chip_control {
  const struct chip_type *type;
  int address;
  struct load load[MAX_CHANNELS];
  /* Errors of the converters: relative, in volts at the input, and per conversion (standard deviation). */
  double shunt_gain, shunt_offset, shunt_noise, bus_gain, bus_offset, bus_noise;
  uint64_t seed;
  /* Relative error of the chip's oscillator: 0.005 converts 0.5 % too fast. */
  double clock_error;
  double celsius;
  /* Faults: nobody answers, conversions never end, plain memory answers, a kernel driver owns the address, every nth
   * transfer is not acknowledged, how often the chip has lost its supply, where its energy register stands. */
  int absent, stuck, memory, busy, nack_every, resets;
  double preset_energy;
};

struct control {
  int bus;
  double hertz;
  /* When the chips got their supply, s of CLOCK_MONOTONIC. */
  double begin;
  /* The adapter itself fails: arbitration lost, or a line held low. */
  int bus_error;
  char follow[128];
  int chips;
  struct chip_control chip[MAX_CHIPS];
};

/* The newest control file, read again when it was replaced. NULL when there is none. */
const struct control *current_control(void);

/* ---- What the chips know (bus.c, conversion.c) ---- */

struct accumulator {
  /* In units of the register, with the fraction that the register does not show. */
  double energy, charge;
};

struct chip {
  uint16_t registers[256];
  uint8_t pointer;
  int powered, resets_done, was_absent;
  uint64_t transfers;
  double preset_energy;
  /* Cycles since `started`; `done` of them have been converted. `single`: triggered, ends after the first result. */
  double started;
  int64_t done;
  int single;
  /* There was a result since the flag was last cleared; one went out of range. */
  int ready, overflow, energy_overflow, charge_overflow;
  struct accumulator accumulated;
  /* What is averaged so far, where a cycle is only a part of a result. */
  double shunts, buses, currents, powers;
  /* Results wider than 16 bits. */
  int32_t shunt, bus, current;
  uint32_t power;
};

struct cpu_point {
  double t, seconds;
};

struct state {
  struct chip chip[MAX_CHIPS];
  /* Processes whose processor time a load follows, and what it was (cpu-load.c). */
  struct {
    pid_t pid;
    double seconds;
  } followed[MAX_FOLLOWED];
  int followed_count;
  double retired_seconds;
  uint64_t cpu_points;
  struct cpu_point cpu[CPU_HISTORY];
};

/* The state, or NULL; hold the lock while using it. */
struct state *lock_state(void);
void unlock_state(void);
/* The same while it is locked, for what is called under the lock. */
extern struct state *locked_state;

/* ---- Chips ---- */

struct chip_type {
  const char *name;
  int channels;
  /* A cycle builds on those before, so none may be left out; else only the newest is converted. */
  int needs_all;
  /* Register contents after power-up or RST. */
  void (*reset)(struct chip *chip);
  /* Nominal length of a conversion cycle, s; 0 when the mode converts nothing. */
  double (*cycle)(const struct chip *chip);
  /* Converts the cycle that begins at `t` with index `k`; true when the registers hold a new result. */
  int (*convert)(struct chip *chip, const struct chip_control *control, int64_t k, double t);
  /* Fills `out` with the register, high byte first, and returns how many bytes it has. */
  int (*read)(struct chip *chip, const struct chip_control *control, uint8_t reg, uint8_t *out);
  void (*write)(struct chip *chip, uint8_t reg, uint16_t value, double now);
};

extern const struct chip_type ina219, ina226, ina228, ina238, ina260, ina3221;

/* conversion.c: time, sampling and arithmetic that the chips share. */
void power_up(struct chip *chip, const struct chip_type *type, double now);
void start_conversions(struct chip *chip, int single, double now);
void run_conversions(struct chip *chip, const struct chip_control *control, double now);

/* One conversion of an input in steps of `lsb`: its mean over `nominal` s from `*t` on, with the converter's errors, rounded
 * and limited to low..high; moves `*t` to its end. `k` numbers conversions, for the noise. */
int32_t convert_shunt(const struct chip_control *control, int channel, int64_t k, double *t, double nominal, double lsb,
                      int32_t low, int32_t high);
int32_t convert_bus(const struct chip_control *control, int channel, int64_t k, double *t, double nominal, double lsb,
                    int32_t low, int32_t high);

/* Conversion times, s, and numbers of samples by their codes (INA226, INA260, INA3221). */
extern const double CONVERSION_S[8];
extern const int AVERAGES[8];

int put_word(uint8_t *out, uint16_t word);
int put_24(uint8_t *out, uint32_t value);
int put_40(uint8_t *out, uint64_t value);

/* ---- The bus (bus.c) ---- */

double now_s(void);
int is_bus_path(const char *path);
/* 0, or -1 with errno, as from the kernel's i2c-dev. */
int bus_ioctl(int *address, unsigned long request, void *argument);
ssize_t bus_read(int address, void *bytes, size_t count);
ssize_t bus_write(int address, const void *bytes, size_t count);

#endif
