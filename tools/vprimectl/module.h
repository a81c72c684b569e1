/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_MODULE_H
#define VPRIMECTL_MODULE_H

#include <stdint.h>

/**
 * module_loading() - which loading of the module this is
 *
 * Returns: a number that another loading of it does not have; 0 if it is not
 * loaded.
 */
uint64_t module_loading(void);

/** module_require() - end the program, with a word, if the module is not loaded */
void module_require(void);

#endif
