/* The bus: who answers, how long a transfer takes, and what i2c-dev of a Raspberry Pi reports. */
#include "sim.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MAX_BYTES 256

/* Bits on the wire: a byte has 8 and its acknowledge; start, repeated start and stop count as one each. */
#define BITS_PER_BYTE 9
#define ADDRESS_BITS (1 + BITS_PER_BYTE)
#define STOP_BITS 1

struct state *locked_state;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int state_fd = -1;
static struct state *mapped;

double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void map_state(void) {
  const char *control = getenv("EDGEWATT_SIM_BUS");
  char path[4096];
  if (!control || snprintf(path, sizeof path, "%s.state", control) >= (int)sizeof path) return;
  state_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (state_fd < 0 || ftruncate(state_fd, sizeof(struct state)) != 0) return;
  void *memory = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, state_fd, 0);
  if (memory != MAP_FAILED) mapped = memory;
}

struct state *lock_state(void) {
  pthread_mutex_lock(&mutex);
  if (!mapped) map_state();
  if (!mapped) return NULL;
  /* Released by the kernel when its owner is killed. */
  while (flock(state_fd, LOCK_EX) != 0 && errno == EINTR) continue;
  locked_state = mapped;
  return mapped;
}

void unlock_state(void) {
  locked_state = NULL;
  if (mapped) flock(state_fd, LOCK_UN);
  pthread_mutex_unlock(&mutex);
}

/* Sleeps until the moment, as a driver that waits for the adapter's interrupt does, without a timer's slack. */
static void sleep_until(double t) {
  int slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  struct timespec until = {(time_t)t, (long)((t - floor(t)) * 1e9)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) continue;
  prctl(PR_SET_TIMERSLACK, slack, 0, 0, 0);
}

int is_bus_path(const char *path) {
  if (strncmp(path, "/dev/i2c-", 9) != 0) return 0;
  pthread_mutex_lock(&mutex);
  const struct control *control = current_control();
  int is_ours = control && atoi(path + 9) == control->bus;
  pthread_mutex_unlock(&mutex);
  return is_ours;
}

/* Supply and faults that begin with this transfer. */
static void update(struct chip *chip, const struct chip_control *control, double begin, double now) {
  if (!chip->powered) {
    chip->resets_done = control->resets;
    power_up(chip, control->type, begin);
  }
  if (chip->resets_done != control->resets || (chip->was_absent && !control->absent)) {
    chip->resets_done = control->resets;
    power_up(chip, control->type, now);
  }
  chip->was_absent = control->absent;
  if (chip->preset_energy != control->preset_energy) {
    chip->preset_energy = control->preset_energy;
    chip->accumulated.energy = control->preset_energy;
  }
}

static int answers(struct chip *chip, const struct chip_control *control) {
  if (control->absent) return 0;
  chip->transfers++;
  return control->nack_every == 0 || chip->transfers % (uint64_t)control->nack_every != 0;
}

static void write_register(struct chip *chip, const struct chip_control *control, const uint8_t *bytes, int count,
                           double now) {
  chip->pointer = bytes[0];
  if (count < 3) return;
  uint16_t value = (uint16_t)(bytes[1] << 8 | bytes[2]);
  if (control->memory) chip->registers[chip->pointer] = value;
  else control->type->write(chip, chip->pointer, value, now);
}

static void read_register(struct chip *chip, const struct chip_control *control, uint8_t *bytes, int count) {
  uint8_t contents[8];
  int width = control->memory ? put_word(contents, chip->registers[chip->pointer])
                              : control->type->read(chip, control, chip->pointer, contents);
  /* Past the register the chip leaves the line alone. */
  for (int i = 0; i < count; i++) bytes[i] = i < width ? contents[i] : 0xFF;
}

/* One message to write and one to read, either of which may be empty; a repeated start lies between them. */
static int transfer(int address, const uint8_t *out, int out_count, uint8_t *in, int in_count) {
  struct state *state = lock_state();
  const struct control *control = current_control();
  if (!state || !control) {
    unlock_state();
    errno = ENODEV;
    return -1;
  }
  double start = now_s(), bit = 1 / control->hertz;
  int written = out_count > 0 || in_count == 0;
  double addressed = start + (written ? ADDRESS_BITS + BITS_PER_BYTE * out_count : 0) * bit;
  /* A chip takes the contents of its register when it has acknowledged its address for reading. */
  double latched = addressed + (in_count > 0 ? ADDRESS_BITS : 0) * bit;
  double end = latched + (BITS_PER_BYTE * in_count + STOP_BITS) * bit;
  int error = control->bus_error ? EIO : EREMOTEIO;
  if (control->bus_error) end = start + (ADDRESS_BITS + STOP_BITS) * bit;
  for (int i = 0; i < control->chips && !control->bus_error; i++) {
    const struct chip_control *chip_control = &control->chip[i];
    struct chip *chip = &state->chip[i];
    if (chip_control->address != address) continue;
    update(chip, chip_control, control->begin, start);
    if (!answers(chip, chip_control)) {
      end = start + (ADDRESS_BITS + STOP_BITS) * bit;
      break;
    }
    if (!chip_control->memory) run_conversions(chip, chip_control, latched);
    if (out_count > 0) write_register(chip, chip_control, out, out_count, end);
    if (in_count > 0) read_register(chip, chip_control, in, in_count);
    error = 0;
    break;
  }
  sleep_until(end);
  unlock_state();
  errno = error;
  return error ? -1 : 0;
}

static int smbus(int address, struct i2c_smbus_ioctl_data *args) {
  uint8_t out[2 + I2C_SMBUS_BLOCK_MAX] = {args->command};
  uint8_t in[I2C_SMBUS_BLOCK_MAX];
  int is_read = args->read_write == I2C_SMBUS_READ;
  union i2c_smbus_data *data = args->data;
  switch (args->size) {
    case I2C_SMBUS_QUICK:
      return transfer(address, out, 0, in, 0);
    case I2C_SMBUS_BYTE:
      return is_read ? transfer(address, out, 0, &data->byte, 1) : transfer(address, out, 1, in, 0);
    case I2C_SMBUS_BYTE_DATA:
      if (is_read) return transfer(address, out, 1, &data->byte, 1);
      out[1] = data->byte;
      return transfer(address, out, 2, in, 0);
    case I2C_SMBUS_WORD_DATA:
      if (!is_read) {
        out[1] = (uint8_t)data->word;
        out[2] = (uint8_t)(data->word >> 8);
        return transfer(address, out, 3, in, 0);
      }
      if (transfer(address, out, 1, in, 2) != 0) return -1;
      data->word = (uint16_t)(in[0] | in[1] << 8);
      return 0;
    case I2C_SMBUS_I2C_BLOCK_DATA: {
      int count = data->block[0];
      if (count < 1 || count > I2C_SMBUS_BLOCK_MAX) {
        errno = EINVAL;
        return -1;
      }
      if (is_read) return transfer(address, out, 1, &data->block[1], count);
      memcpy(&out[1], &data->block[1], (size_t)count);
      return transfer(address, out, 1 + count, in, 0);
    }
    default:
      errno = EOPNOTSUPP;
      return -1;
  }
}

static int select_address(int *selected, int address, int is_forced) {
  if (address < 0 || address > 0x7F) {
    errno = EINVAL;
    return -1;
  }
  int is_busy = 0;
  pthread_mutex_lock(&mutex);
  const struct control *control = current_control();
  for (int i = 0; control && i < control->chips; i++) {
    if (control->chip[i].address == address && control->chip[i].busy) is_busy = 1;
  }
  pthread_mutex_unlock(&mutex);
  if (is_busy && !is_forced) {
    errno = EBUSY;
    return -1;
  }
  *selected = address;
  return 0;
}

int bus_ioctl(int *address, unsigned long request, void *argument) {
  switch (request) {
    case I2C_SLAVE:
    case I2C_SLAVE_FORCE:
      return select_address(address, (int)(intptr_t)argument, request == I2C_SLAVE_FORCE);
    case I2C_FUNCS:
      /* i2c-bcm2835 and i2c-designware. */
      *(unsigned long *)argument = I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
      return 0;
    case I2C_SMBUS:
      return smbus(*address, argument);
    default:
      errno = ENOTTY;
      return -1;
  }
}

ssize_t bus_read(int address, void *bytes, size_t count) {
  int limited = count > MAX_BYTES ? MAX_BYTES : (int)count;
  return transfer(address, NULL, 0, bytes, limited) == 0 ? limited : -1;
}

ssize_t bus_write(int address, const void *bytes, size_t count) {
  int limited = count > MAX_BYTES ? MAX_BYTES : (int)count;
  return transfer(address, bytes, limited, NULL, 0) == 0 ? limited : -1;
}
