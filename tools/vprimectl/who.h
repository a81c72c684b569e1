/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_WHO_H
#define VPRIMECTL_WHO_H

#include "holders.h"
#include "parse.h"

/**
 * who_processes() - a table of the processes that have something of a GPU's, for people
 * @clients: what debugfs_read_list("clients") gives
 * @buffers: what debugfs_read_list("buffers") gives
 * @holds: of all processes
 */
void who_processes(const struct entry *clients, const struct entry *buffers, const struct holds *holds);

#endif
