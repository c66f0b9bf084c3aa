/*
 * The control file: words separated by white space, in lines for the reader only. It is replaced by rename, so that it is
 * whole at any time; every transfer looks whether it was.
 *   bus N, hertz HZ, begin S, bus_error 0|1, follow TEXT
 *   chip TYPE ADDRESS             the lines after it are its own:
 *   NAME VALUE                    a number of chip_control, by its name there
 *   load CHANNEL SHUNT_OHM        the segments after it are its own
 *   segment FROM_S VOLTS          the terms after it are its own, and add up to the current
 *   constant A | square LOW HIGH PERIOD DUTY | sine MEAN AMPLITUDE PERIOD PHASE | ramp LOW HIGH PERIOD |
 *   exponential FIRST LAST TAU BEGIN | cpu IDLE FULL LAG PROCESSORS
 */
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct chip_type *const TYPES[] = {&ina219, &ina226, &ina228, &ina238, &ina260, &ina3221};

static const struct {
  const char *name;
  enum wave wave;
  int parameters;
} WAVES[] = {{"constant", CONSTANT, 1}, {"square", SQUARE, 4},           {"sine", SINE, 4},
             {"ramp", RAMP, 3},         {"exponential", EXPONENTIAL, 4}, {"cpu", CPU, 4}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct chip_type *type_named(const char *name) {
  for (size_t i = 0; i < COUNT(TYPES); i++) {
    if (!strcmp(TYPES[i]->name, name)) return TYPES[i];
  }
  return NULL;
}

static int number(FILE *file, double *value) { return fscanf(file, "%lf", value) == 1; }

static int parse_term(FILE *file, const char *word, struct segment *segment) {
  for (size_t i = 0; i < COUNT(WAVES); i++) {
    if (strcmp(WAVES[i].name, word) != 0) continue;
    if (!segment || segment->terms >= MAX_TERMS) return 0;
    struct term *term = &segment->term[segment->terms++];
    term->wave = WAVES[i].wave;
    for (int k = 0; k < WAVES[i].parameters; k++) {
      if (!number(file, &term->p[k])) return 0;
    }
    return 1;
  }
  return 0;
}

static int parse_chip_number(FILE *file, const char *word, struct chip_control *chip) {
  double value;
  if (!chip || !number(file, &value)) return 0;
  struct {
    const char *name;
    double *real;
    int *whole;
  } fields[] = {
      {"shunt_gain", &chip->shunt_gain, NULL},   {"shunt_offset", &chip->shunt_offset, NULL},
      {"shunt_noise", &chip->shunt_noise, NULL}, {"bus_gain", &chip->bus_gain, NULL},
      {"bus_offset", &chip->bus_offset, NULL},   {"bus_noise", &chip->bus_noise, NULL},
      {"clock_error", &chip->clock_error, NULL}, {"celsius", &chip->celsius, NULL},
      {"preset_energy", &chip->preset_energy, NULL}, {"absent", NULL, &chip->absent},
      {"stuck", NULL, &chip->stuck},             {"memory", NULL, &chip->memory},
      {"busy", NULL, &chip->busy},               {"nack_every", NULL, &chip->nack_every},
      {"resets", NULL, &chip->resets},
  };
  if (!strcmp(word, "seed")) {
    chip->seed = (uint64_t)value;
    return 1;
  }
  for (size_t i = 0; i < COUNT(fields); i++) {
    if (strcmp(fields[i].name, word) != 0) continue;
    if (fields[i].real) *fields[i].real = value;
    else *fields[i].whole = (int)value;
    return 1;
  }
  return 0;
}

static int parse(FILE *file, struct control *control) {
  struct chip_control *chip = NULL;
  struct load *load = NULL;
  struct segment *segment = NULL;
  char word[64];
  double a, b;
  while (fscanf(file, "%63s", word) == 1) {
    if (!strcmp(word, "bus")) {
      if (fscanf(file, "%d", &control->bus) != 1) return 0;
    } else if (!strcmp(word, "hertz")) {
      if (!number(file, &control->hertz)) return 0;
    } else if (!strcmp(word, "begin")) {
      if (!number(file, &control->begin)) return 0;
    } else if (!strcmp(word, "bus_error")) {
      if (fscanf(file, "%d", &control->bus_error) != 1) return 0;
    } else if (!strcmp(word, "follow")) {
      if (fscanf(file, "%127s", control->follow) != 1) return 0;
    } else if (!strcmp(word, "chip")) {
      char type[32];
      if (control->chips >= MAX_CHIPS || fscanf(file, "%31s", type) != 1 || !number(file, &a)) return 0;
      chip = &control->chip[control->chips++];
      chip->type = type_named(type);
      chip->address = (int)a;
      load = NULL;
      if (!chip->type) return 0;
    } else if (!strcmp(word, "load")) {
      if (!chip || !number(file, &a) || !number(file, &b) || a < 0 || a >= MAX_CHANNELS) return 0;
      load = &chip->load[(int)a];
      load->shunt_ohm = b;
      segment = NULL;
    } else if (!strcmp(word, "segment")) {
      if (!load || load->segments >= MAX_SEGMENTS || !number(file, &a) || !number(file, &b)) return 0;
      segment = &load->segment[load->segments++];
      segment->from = a;
      segment->volts = b;
    } else if (!parse_term(file, word, segment) && !parse_chip_number(file, word, chip)) {
      return 0;
    }
  }
  return control->hertz > 0;
}

const struct control *current_control(void) {
  static struct control control;
  static struct stat seen;
  const char *path = getenv("EDGEWATT_SIM_BUS");
  struct stat now;
  if (!path || stat(path, &now) != 0) return NULL;
  int is_new = now.st_ino != seen.st_ino || now.st_mtim.tv_sec != seen.st_mtim.tv_sec ||
               now.st_mtim.tv_nsec != seen.st_mtim.tv_nsec;
  if (!is_new) return &control;
  FILE *file = fopen(path, "r");
  if (!file) return NULL;
  memset(&control, 0, sizeof control);
  int is_whole = parse(file, &control);
  fclose(file);
  if (!is_whole) {
    fprintf(stderr, "edgewatt simulated bus: %s cannot be read\n", path);
    abort();
  }
  seen = now;
  return &control;
}
