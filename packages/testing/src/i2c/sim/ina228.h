/* What INA228 and INA238 share: the map of registers, ADC_CONFIG and the flags; results differ in width and steps. */
#ifndef EDGEWATT_INA228_H
#define EDGEWATT_INA228_H

#include "sim.h"

enum {
  CONFIGURATION, ADC_CONFIGURATION, SHUNT_CAL, SHUNT_TEMPCO, SHUNT, BUS, TEMPERATURE, CURRENT, POWER, ENERGY, CHARGE,
  DIAG_ALRT, FIRST_LIMIT, LAST_LIMIT = 0x11, MANUFACTURER = 0x3E, DEVICE
};

#define RST 0x8000
#define RSTACC 0x4000
#define ADCRANGE 0x0010
#define ALATCH 0x8000
#define ENERGYOF 0x0800
#define CHARGEOF 0x0400
#define MATHOF 0x0200
#define CNVRF 0x0002
#define MEMSTAT 0x0001

struct ina228_steps {
  /* V, by ADCRANGE. */
  double shunt[2];
  double bus;
  /* Largest result of a conversion and of the current. */
  int32_t full;
  /* Power = current * bus / divisor. */
  double power_divisor;
};

void ina228_reset(struct chip *chip);
double ina228_cycle(const struct chip *chip);
/*
 * Converts shunt, bus and temperature once; the registers have a new result when as many as are averaged have been.
 * `each` is called with current and power, in their registers' units, and the nominal time of this conversion.
 */
int ina228_convert(struct chip *chip, const struct chip_control *control, int64_t k, double t,
                   const struct ina228_steps *steps,
                   void (*each)(struct chip *chip, double current, double power, double seconds));
/* The registers that both have in the same shape. */
int ina228_read_common(struct chip *chip, uint8_t reg, uint8_t *out);
void ina228_write(struct chip *chip, const struct chip_type *type, uint8_t reg, uint16_t value, double now);

#endif
