/*
 * The peer of the sampler benchmark: reads an INA219 as fast as its conversions end, as plainly as C can. Sets the chip up as the
 * driver does, waits for the ready flag with 100 us between questions, reads the power register.
 *   plain-loop BUS ADDRESS SECONDS
 * Prints one line: readings, p99 of |interval - median interval| in us, time on the processor in us.
 */
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#define MAX_READINGS 200000
static double times_us[MAX_READINGS];

static double us(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int word(int fd, int write, uint8_t reg, uint16_t *value) {
  union i2c_smbus_data data = {.word = (uint16_t)(*value << 8 | *value >> 8)};
  struct i2c_smbus_ioctl_data args = {write ? I2C_SMBUS_WRITE : I2C_SMBUS_READ, reg, I2C_SMBUS_WORD_DATA, &data};
  if (ioctl(fd, I2C_SMBUS, &args) < 0) return -1;
  *value = (uint16_t)(data.word << 8 | data.word >> 8);
  return 0;
}

static int ascending(const void *a, const void *b) {
  double d = *(const double *)a - *(const double *)b;
  return d < 0 ? -1 : d > 0;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  char path[32];
  snprintf(path, sizeof path, "/dev/i2c-%s", argv[1]);
  int fd = open(path, O_RDWR);
  if (fd < 0 || ioctl(fd, I2C_SLAVE, strtol(argv[2], NULL, 0)) < 0) return 1;
  /* 16 V, 320 mV, 12 bits, continuous; calibration of 3.2 A over 0.1 ohm. */
  uint16_t configuration = 0x199F, calibration = 4198;
  if (word(fd, 1, 0, &configuration) < 0 || word(fd, 1, 5, &calibration) < 0) return 1;
  double end = us(CLOCK_MONOTONIC) + atof(argv[3]) * 1e6, cpu = us(CLOCK_PROCESS_CPUTIME_ID);
  int n = 0;
  while (n < MAX_READINGS) {
    uint16_t voltage = 0, power = 0;
    if (word(fd, 0, 2, &voltage) < 0) return 1;
    double now = us(CLOCK_MONOTONIC);
    if (now >= end) break;
    if (!(voltage & 2)) {
      struct timespec wait = {0, 100000};
      nanosleep(&wait, NULL);
      continue;
    }
    if (word(fd, 0, 3, &power) < 0) return 1;
    times_us[n++] = now;
  }
  cpu = us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  if (n < 3) return 1;
  for (int i = 0; i + 1 < n; i++) times_us[i] = times_us[i + 1] - times_us[i];
  qsort(times_us, n - 1, sizeof *times_us, ascending);
  double median = times_us[(n - 1) / 2];
  for (int i = 0; i < n - 1; i++) times_us[i] = fabs(times_us[i] - median);
  qsort(times_us, n - 1, sizeof *times_us, ascending);
  printf("%d %f %f\n", n, times_us[(int)(0.99 * (n - 2))], cpu);
  return 0;
}
