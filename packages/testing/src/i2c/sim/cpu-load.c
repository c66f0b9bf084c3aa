/*
 * A load that follows the processor: the time that chosen processes have spent on it, as a history that is written by a
 * thread of the process that reads the bus. Its differences are means of power, exact whatever the scheduler did.
 */
#include "sim.h"
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVERY_NS 1000000

static int processor_seconds(pid_t pid, double *seconds) {
  clockid_t clock;
  struct timespec t;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
  *seconds = t.tv_sec + t.tv_nsec / 1e9;
  return 1;
}

static double total_seconds(struct state *state) {
  double total = 0;
  for (int i = 0; i < state->followed_count;) {
    double seconds;
    if (processor_seconds(state->followed[i].pid, &seconds)) {
      state->followed[i].seconds = seconds;
      total += seconds;
      i++;
    } else {
      state->retired_seconds += state->followed[i].seconds;
      state->followed[i] = state->followed[--state->followed_count];
    }
  }
  return total + state->retired_seconds;
}

static void add_point(struct state *state) {
  struct cpu_point point = {now_s(), total_seconds(state)};
  state->cpu[state->cpu_points++ % CPU_HISTORY] = point;
}

static void *watch(void *unused) {
  (void)unused;
  for (;;) {
    struct timespec every = {0, EVERY_NS};
    nanosleep(&every, NULL);
    struct state *state = lock_state();
    if (state) add_point(state);
    unlock_state();
  }
  return NULL;
}

/* The caller holds the lock. */
static void keep_watching(void) {
  static pid_t watching;
  if (watching == getpid()) return;
  watching = getpid();
  pthread_t thread;
  if (pthread_create(&thread, NULL, watch, NULL) == 0) pthread_detach(thread);
}

double cpu_seconds_at(double t) {
  struct state *state = locked_state;
  if (!state) return 0;
  keep_watching();
  if (state->cpu_points == 0 || state->cpu[(state->cpu_points - 1) % CPU_HISTORY].t < t) add_point(state);
  uint64_t low = state->cpu_points > CPU_HISTORY ? state->cpu_points - CPU_HISTORY : 0;
  uint64_t high = state->cpu_points - 1;
  const struct cpu_point *first = &state->cpu[low % CPU_HISTORY], *last = &state->cpu[high % CPU_HISTORY];
  if (t <= first->t) return first->seconds;
  if (t >= last->t) return last->seconds;
  while (high - low > 1) {
    uint64_t middle = (low + high) / 2;
    if (state->cpu[middle % CPU_HISTORY].t <= t) low = middle;
    else high = middle;
  }
  const struct cpu_point *a = &state->cpu[low % CPU_HISTORY], *b = &state->cpu[high % CPU_HISTORY];
  return a->seconds + (b->seconds - a->seconds) * (t - a->t) / (b->t - a->t);
}

void follow_this_process(const char *text) {
  char line[4096];
  int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ssize_t length = read(fd, line, sizeof line - 1);
  close(fd);
  if (length <= 0 || !memmem(line, (size_t)length, text, strlen(text))) return;
  struct state *state = lock_state();
  if (state && state->followed_count < MAX_FOLLOWED) {
    state->followed[state->followed_count].pid = getpid();
    state->followed[state->followed_count].seconds = 0;
    state->followed_count++;
  }
  unlock_state();
}
