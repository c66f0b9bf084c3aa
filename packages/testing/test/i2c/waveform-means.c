/* Prints, for stretches of time that are read from standard input as "from to" in s, mean current and voltage of chip 0. */
#include "sim.h"
#include <stdio.h>

int main(void) {
  const struct control *control = current_control();
  if (!control) return 1;
  double a, b;
  while (scanf("%lf %lf", &a, &b) == 2) {
    const struct load *load = &control->chip[0].load[0];
    printf("%.17g %.17g\n", mean_amps(load, a, b), mean_volts(load, a, b));
  }
  return 0;
}
