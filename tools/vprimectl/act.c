// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl move and vprimectl revoke: what is done to a buffer from outside.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "debugfs.h"
#include "json.h"
#include "vprimectl.h"

/** struct reason - what an errno of one of the files means */
struct reason {
	int error;
	const char *why;
};

static const struct reason move_reasons[] = {
	{ ENOENT, "there is no such buffer: vprimectl list shows those there are" },
	{ EBUSY, "it has to stay where it is: an importer has it pinned, or the kernel has it "
		 "mapped for itself (see the pins and vmaps in vprimectl list)" },
	{ EOPNOTSUPP, "it is another driver's, which alone can move it" },
	{ ENODEV, "it has been revoked, so there is nothing left to move" },
	{ ENOMEM, "there is no memory to move it to" },
	{ 0 },
};

static const struct reason revoke_reasons[] = {
	{ ENOENT, "there is no such buffer: vprimectl list shows those there are" },
	{ EBUSY, "an importer that cannot give it up has it mapped or pinned, or the kernel has it "
		 "mapped for itself (see vprimectl list)" },
	{ EOPNOTSUPP, "it is another driver's, which alone can revoke it" },
	{ ETIMEDOUT, "it is revoked, but an importer has not unmapped it in time; the kernel log "
		     "says which (violation not-unmapped)" },
	{ ENOMEM, "the kernel has no memory for it" },
	{ 0 },
};

static const char *explain(const struct reason *reasons, int error)
{
	for (; reasons->error; reasons++)
		if (reasons->error == error)
			return reasons->why;
	return strerror(error);
}

static int act(const char *file, const char *done, const struct reason *reasons,
	       const struct options *options)
{
	int error = debugfs_write(file, options->id);

	if (error)
		errx(1, "%s buffer %s: %s", file, options->id, explain(reasons, -error));
	if (options->json) {
		json_open('{');
		json_key("buffer");
		json_value("buffer", options->id);
		json_key("change");
		json_string(done);
		json_close('}');
		json_end();
	} else {
		printf("buffer %s: %s\n", options->id, done);
	}
	return 0;
}

int command_move(const struct options *options)
{
	return act("move", "moved", move_reasons, options);
}

int command_revoke(const struct options *options)
{
	return act("revoke", "revoked", revoke_reasons, options);
}
