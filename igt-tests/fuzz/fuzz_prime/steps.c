// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps as they are written down:
 *
 *	17 export proc=1 file=3 handle=9 flags=3
 *
 * The first number is the step's own. What an argument names by a step's number
 * has been made by that step.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vp_igt.h"

const struct fz_op fz_ops[] = {
	{ "open", fz_do_open, { "gpu", "node" } },
	{ "other", fz_do_other, { "kind" } },
	{ "close", fz_do_close, { "fd" } },
	{ "dup", fz_do_dup, { "fd" } },
	{ "send", fz_do_send, { "fd", "to" } },
	{ "receive", fz_do_receive, {} },
	{ "fork", fz_do_fork, { "to" } },
	{ "kill", fz_do_kill, {} },
	{ "spawn", fz_do_spawn, {} },
	{ "plug", fz_do_plug, { "gpu" } },
	{ "unplug", fz_do_unplug, { "gpu" } },
	{ "counts", fz_do_counts, {} },
	{ "create", fz_do_create, { "file", "bytes", "how" } },
	{ "dumb", fz_do_dumb, { "file", "width", "height", "bpp" } },
	{ "gem-close", fz_do_gem_close, { "file", "handle", "how" } },
	{ "info", fz_do_info, { "file", "handle", "how" } },
	{ "export", fz_do_export, { "file", "handle", "flags", "how" } },
	{ "import", fz_do_import, { "file", "fd" } },
	{ "move", fz_do_move, { "buffer" } },
	{ "revoke", fz_do_revoke, { "buffer" } },
	{ "mmap", fz_do_mmap, { "file", "handle", "pages", "prot", "how" } },
	{ "mmap-dmabuf", fz_do_mmap_dmabuf,
	  { "fd", "first", "pages", "prot", "how" } },
	{ "munmap", fz_do_munmap, { "map" } },
	{ "mprotect", fz_do_mprotect, { "map", "prot" } },
	{ "write", fz_do_write, { "map", "offset", "size" } },
	{ "check", fz_do_check, { "map", "offset", "size" } },
	{ "peek", fz_do_peek, { "file", "handle", "offset", "size", "how" } },
	{ "poke", fz_do_poke, { "file", "handle", "offset", "size", "how" } },
	{ "access", fz_do_access, { "fd", "flags" } },
	{ "seek", fz_do_seek, { "fd" } },
	{ "attach", fz_do_attach, { "file", "handle", "write", "how" } },
	{ "signal", fz_do_signal, { "file", "fence", "how" } },
	{ "wait", fz_do_wait, { "file", "handle", "write", "how" } },
	{ "timeline", fz_do_timeline, { "file", "how" } },
	{ "timeline-destroy", fz_do_timeline_destroy,
	  { "file", "timeline", "how" } },
	{ "fence", fz_do_fence, { "file", "timeline", "how" } },
	{ "timeline-signal", fz_do_timeline_signal,
	  { "file", "timeline", "seqno", "error", "how" } },
	{ "poll", fz_do_poll, { "fd", "events" } },
	{ "poll-sync", fz_do_poll_sync, { "fd" } },
	{ "sync-info", fz_do_sync_info, { "fd" } },
	{ "get-sync", fz_do_get_sync, { "fd", "flags" } },
	{ "put-sync", fz_do_put_sync, { "fd", "sync", "flags" } },
	{ "merge", fz_do_merge, { "fd", "sync" } },
	{ "syncobj", fz_do_syncobj, { "file", "flags", "how" } },
	{ "syncobj-destroy", fz_do_syncobj_destroy,
	  { "file", "syncobj", "how" } },
	{ "syncobj-export", fz_do_syncobj_export,
	  { "file", "syncobj", "how" } },
	{ "syncobj-import", fz_do_syncobj_import, { "file", "fd", "how" } },
	{ "syncobj-get-sync", fz_do_syncobj_get_sync,
	  { "file", "syncobj", "how" } },
	{ "syncobj-put-sync", fz_do_syncobj_put_sync,
	  { "file", "syncobj", "how", "sync" } },
	{ "syncobj-wait", fz_do_syncobj_wait,
	  { "file", "syncobj", "how", "source", "flags" } },
	{ "syncobj-reset", fz_do_syncobj_reset, { "file", "syncobj", "how" } },
	{ "syncobj-signal", fz_do_syncobj_signal,
	  { "file", "syncobj", "how" } },
	{ "point-signal", fz_do_point_signal,
	  { "file", "syncobj", "how", "point" } },
	{ "point-wait", fz_do_point_wait,
	  { "file", "syncobj", "how", "point", "flags" } },
	{ "point-query", fz_do_point_query,
	  { "file", "syncobj", "how", "flags" } },
	{ "transfer", fz_do_transfer,
	  { "file", "syncobj", "point", "source", "from" } },
	{ "vgem-open", fz_do_foreign_open, {} },
	{ "vgem-create", fz_do_foreign_create, { "file", "pages" } },
	{ "allocate", fz_do_allocate, { "kind", "pages" } },
	{ "block", fz_do_block, { "file", "handle", "write", "mode" } },
	{ "burst", fz_do_burst, { "buffer", "rounds", "procs", "plug" } },
	{ "wrong", fz_do_wrong, { "fd", "which", "call" } },
};

const unsigned int fz_op_count = sizeof(fz_ops) / sizeof(fz_ops[0]);

int fz_op_find(const char *name)
{
	for (unsigned int op = 0; op < fz_op_count; op++)
		if (!strcmp(fz_ops[op].name, name))
			return (int)op;
	return -1;
}

bool fz_arg_is_ref(const struct fz_step *step, unsigned int arg)
{
	static const char *const refs[] = {
		"file", "fd", "handle", "buffer", "map", "timeline", "fence",
		"sync", "syncobj", "source",
	};
	const char *name = fz_ops[step->op].args[arg];

	for (size_t i = 0; name && i < sizeof(refs) / sizeof(refs[0]); i++)
		if (!strcmp(refs[i], name))
			return true;
	return false;
}

void fz_step_print(const struct fz_step *step, char *text, size_t size)
{
	const struct fz_op *op = &fz_ops[step->op];
	size_t at = (size_t)snprintf(text, size, "%u %s proc=%u", step->id,
				     op->name, step->proc);

	for (unsigned int i = 0; i < FZ_ARGS && op->args[i] && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, " %s=%u",
				       op->args[i], step->arg[i]);
}

static bool parse_word(const char *word, struct fz_step *step)
{
	const struct fz_op *op = &fz_ops[step->op];
	const char *value = strchr(word, '=');
	unsigned long number;
	char *end;

	if (!value)
		return false;
	number = strtoul(value + 1, &end, 10);
	if (*end || end == value + 1 || number > UINT32_MAX)
		return false;
	if (!strncmp(word, "proc=", 5)) {
		step->proc = (uint8_t)number;
		return number < FZ_PROCS;
	}
	for (unsigned int i = 0; i < FZ_ARGS && op->args[i]; i++)
		if (strlen(op->args[i]) == (size_t)(value - word) &&
		    !strncmp(word, op->args[i], (size_t)(value - word))) {
			step->arg[i] = (uint32_t)number;
			return true;
		}
	return false;
}

bool fz_step_parse(const char *text, struct fz_step *step)
{
	char words[256], name[32], *rest, *word;
	int op, at = 0;

	memset(step, 0, sizeof(*step));
	if (sscanf(text, "%u %31s%n", &step->id, name, &at) != 2 || !step->id)
		return false;
	op = fz_op_find(name);
	if (op < 0)
		return false;
	step->op = (uint8_t)op;
	snprintf(words, sizeof(words), "%s", text + at);
	for (word = strtok_r(words, " \t\n", &rest); word;
	     word = strtok_r(NULL, " \t\n", &rest)) {
		if (*word == '#')
			break;
		if (!parse_word(word, step))
			return false;
	}
	return true;
}

void fz_steps_add(struct fz_steps *steps, const struct fz_step *step)
{
	if (steps->n == steps->room) {
		steps->room = steps->room ? 2 * steps->room : 1024;
		steps->at = realloc(steps->at,
				    steps->room * sizeof(*steps->at));
		igt_assert(steps->at);
	}
	steps->at[steps->n++] = *step;
}

/* Which processes have to be there for it. */
static bool has_procs(const struct fz_step *step, unsigned int procs)
{
	if (step->proc >= procs)
		return false;
	for (unsigned int i = 0; i < FZ_ARGS && fz_ops[step->op].args[i]; i++)
		if (!strcmp(fz_ops[step->op].args[i], "to") &&
		    step->arg[i] >= procs)
			return false;
	return true;
}

/* Lines of a report: what is not a step begins with "#". */
static bool read_line(const char *line, struct fz_steps *steps,
		      unsigned int *procs, char *why, size_t size)
{
	struct fz_step step;
	unsigned int number;

	if (line[0] == '\n')
		return true;
	if (line[0] == '#') {
		if (sscanf(line, "# seed %*u, %u processes", &number) != 1)
			return true;
		if (number >= 1 && number <= FZ_PROCS) {
			*procs = number;
			return true;
		}
		snprintf(why, size, "there are 1 to %d processes: %s",
			 FZ_PROCS, line);
		return false;
	}
	if (!fz_step_parse(line, &step)) {
		snprintf(why, size, "no step: %s", line);
		return false;
	}
	if (!has_procs(&step, *procs)) {
		snprintf(why, size, "there are only %u processes: %s", *procs,
			 line);
		return false;
	}
	fz_steps_add(steps, &step);
	return true;
}

bool fz_steps_read(const char *path, struct fz_steps *steps,
		   unsigned int *procs, char *why, size_t size)
{
	FILE *file = fopen(path, "re");
	bool right = true;
	char line[256];

	if (!file) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return false;
	}
	while (right && fgets(line, sizeof(line), file))
		right = read_line(line, steps, procs, why, size);
	fclose(file);
	return right;
}

void fz_steps_free(struct fz_steps *steps)
{
	free(steps->at);
	*steps = (struct fz_steps){};
}
