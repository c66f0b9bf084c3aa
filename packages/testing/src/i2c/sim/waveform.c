/* Currents and voltages as functions of CLOCK_MONOTONIC, with their exact means over any stretch of time. */
#include "sim.h"
#include <math.h>

static double clamp(double value, double low, double high) { return fmin(fmax(value, low), high); }

/* p: low, high, period, duty; high first, from 0 of the clock on. */
static double square_integral(const double *p, double t) {
  double periods = floor(t / p[2]);
  double rest = t - periods * p[2];
  double high = p[3] * p[2];
  return (periods * high + fmin(rest, high)) * (p[1] - p[0]) + p[0] * t;
}

/* p: mean, amplitude, period, phase in radians. */
static double sine_integral(const double *p, double t) {
  double omega = 2 * M_PI / p[2];
  return p[0] * t - p[1] / omega * cos(omega * t + p[3]);
}

/* p: low, high, period; rises from low to high and falls back at once. */
static double ramp_integral(const double *p, double t) {
  double periods = floor(t / p[2]);
  double rest = t / p[2] - periods;
  return p[0] * t + (p[1] - p[0]) * p[2] * (periods + rest * rest) / 2;
}

/* p: first, last, time constant, begin; first until begin. */
static double exponential_integral(const double *p, double t) {
  double x = t - p[3];
  if (x <= 0) return p[0] * x;
  return p[1] * x + (p[0] - p[1]) * p[2] * -expm1(-x / p[2]);
}

/* p: idle, full, lag, processors that are full load. */
static double cpu_integral(const double *p, double t) { return p[0] * t + (p[1] - p[0]) / p[3] * cpu_seconds_at(t - p[2]); }

static double integral(const struct term *term, double a, double b) {
  const double *p = term->p;
  switch (term->wave) {
    case CONSTANT: return p[0] * (b - a);
    case SQUARE: return square_integral(p, b) - square_integral(p, a);
    case SINE: return sine_integral(p, b) - sine_integral(p, a);
    case RAMP: return ramp_integral(p, b) - ramp_integral(p, a);
    case EXPONENTIAL: return exponential_integral(p, b) - exponential_integral(p, a);
    case CPU: return cpu_integral(p, b) - cpu_integral(p, a);
  }
  return 0;
}

/* Begin of the time in which a segment holds; the first one holds for all time before it too. */
static double begin_of(const struct load *load, int i) { return i == 0 ? -INFINITY : load->segment[i].from; }

static double end_of(const struct load *load, int i) {
  return i + 1 < load->segments ? load->segment[i + 1].from : INFINITY;
}

double mean_amps(const struct load *load, double a, double b) {
  double sum = 0;
  for (int i = 0; i < load->segments; i++) {
    double from = clamp(a, begin_of(load, i), end_of(load, i));
    double to = clamp(b, begin_of(load, i), end_of(load, i));
    if (to <= from) continue;
    for (int k = 0; k < load->segment[i].terms; k++) sum += integral(&load->segment[i].term[k], from, to);
  }
  return sum / (b - a);
}

double mean_volts(const struct load *load, double a, double b) {
  double sum = 0;
  for (int i = 0; i < load->segments; i++) {
    double from = clamp(a, begin_of(load, i), end_of(load, i));
    double to = clamp(b, begin_of(load, i), end_of(load, i));
    if (to > from) sum += load->segment[i].volts * (to - from);
  }
  return sum / (b - a);
}
