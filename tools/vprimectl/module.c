// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the module is there.
 */
#include <err.h>
#include <sys/stat.h>

#include "module.h"

uint64_t module_loading(void)
{
	struct stat folder;

	return stat("/sys/module/vprime", &folder) ? 0 : folder.st_ino;
}

void module_require(void)
{
	if (!module_loading())
		errx(1, "the module vprime is not loaded: modprobe vprime");
}
