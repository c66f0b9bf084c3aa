/*
 * LD_PRELOAD shim: file descriptors of a simulated /dev/i2c-N, so that the real i2c-bus addon runs without hardware. All
 * other files go to libc as they would.
 */
#include "sim.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define MAX_FDS 1024

/* All else stays inside: the process that is shimmed has names of its own. */
#define EXPORTED __attribute__((visibility("default")))

/* libc's function of the same name and type, looked up once. */
#define REAL(name)                                                     \
  static __typeof__(&name) real;                                       \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static unsigned char is_bus[MAX_FDS];
static int address_of[MAX_FDS];

static int ours(int fd) { return fd >= 0 && fd < MAX_FDS && is_bus[fd]; }

static int (*libc_open(void))(const char *, int, ...) {
  REAL(open);
  return real;
}

static int open_bus(void) {
  int fd = libc_open()("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd >= MAX_FDS) {
    close(fd);
    errno = EMFILE;
    return -1;
  }
  if (fd >= 0) {
    is_bus[fd] = 1;
    address_of[fd] = 0;
  }
  return fd;
}

#define MODE_AFTER(flags, mode)            \
  int mode = 0;                            \
  if (flags & (O_CREAT | O_TMPFILE)) {     \
    va_list rest;                          \
    va_start(rest, flags);                 \
    mode = va_arg(rest, int);              \
    va_end(rest);                          \
  }

EXPORTED int open(const char *path, int flags, ...) {
  if (is_bus_path(path)) return open_bus();
  MODE_AFTER(flags, mode);
  return libc_open()(path, flags, mode);
}

EXPORTED int open64(const char *path, int flags, ...) {
  if (is_bus_path(path)) return open_bus();
  REAL(open64);
  MODE_AFTER(flags, mode);
  return real(path, flags, mode);
}

EXPORTED int openat(int folder, const char *path, int flags, ...) {
  if (is_bus_path(path)) return open_bus();
  REAL(openat);
  MODE_AFTER(flags, mode);
  return real(folder, path, flags, mode);
}

EXPORTED int close(int fd) {
  REAL(close);
  if (ours(fd)) is_bus[fd] = 0;
  return real(fd);
}

EXPORTED int ioctl(int fd, unsigned long request, ...) {
  static int (*real)(int, unsigned long, ...);
  if (!real) real = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  va_list rest;
  va_start(rest, request);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  return ours(fd) ? bus_ioctl(&address_of[fd], request, argument) : real(fd, request, argument);
}

EXPORTED ssize_t read(int fd, void *bytes, size_t count) {
  REAL(read);
  return ours(fd) ? bus_read(address_of[fd], bytes, count) : real(fd, bytes, count);
}

EXPORTED ssize_t write(int fd, const void *bytes, size_t count) {
  REAL(write);
  return ours(fd) ? bus_write(address_of[fd], bytes, count) : real(fd, bytes, count);
}

/* The position means nothing to a bus. */
EXPORTED ssize_t pread(int fd, void *bytes, size_t count, off_t position) {
  REAL(pread);
  return ours(fd) ? bus_read(address_of[fd], bytes, count) : real(fd, bytes, count, position);
}

EXPORTED ssize_t pread64(int fd, void *bytes, size_t count, off64_t position) {
  REAL(pread64);
  return ours(fd) ? bus_read(address_of[fd], bytes, count) : real(fd, bytes, count, position);
}

EXPORTED ssize_t pwrite(int fd, const void *bytes, size_t count, off_t position) {
  REAL(pwrite);
  return ours(fd) ? bus_write(address_of[fd], bytes, count) : real(fd, bytes, count, position);
}

EXPORTED ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t position) {
  REAL(pwrite64);
  return ours(fd) ? bus_write(address_of[fd], bytes, count) : real(fd, bytes, count, position);
}

__attribute__((constructor)) static void begin(void) {
  const struct control *control = current_control();
  if (control && control->follow[0] != 0) follow_this_process(control->follow);
}
