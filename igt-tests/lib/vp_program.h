/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The project's own programs, those of build/WORLD/bin, run from a test.
 */
#ifndef VP_PROGRAM_H
#define VP_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

/* One that runs. What it says comes through the two descriptors. */
struct vp_program {
	pid_t pid;
	int out;
	int err;
};

/*
 * Start one. The first of @arguments is its name, the last is followed by NULL.
 * @before is called in the new process, after it has left behind all that this
 * one has open but the first three descriptors; it may be NULL.
 */
struct vp_program vp_start(void (*before)(void), const char *const arguments[]);
/* The next line of its output, without the newline; false when there is none. */
bool vp_next_line(struct vp_program *program, char *line, size_t size);

/* One that has ended. */
struct vp_ran {
	int status;	/* the exit status, or 128 + the signal */
	char *out;	/* all that is left of its standard output */
	char *err;
};

/* Wait for the end, VP_PATIENCE_MS at most. */
struct vp_ran vp_finish(struct vp_program *program);
/* All of it. */
struct vp_ran vp_run(void (*before)(void), const char *const arguments[]);
void vp_ran_free(struct vp_ran *ran);

/* vp_run() with the arguments written down one by one. */
#define vp_run_words(before, ...) \
	vp_run(before, (const char *const[]){ __VA_ARGS__, NULL })

/*
 * It has printed nothing but one line on the standard error, with @why in it.
 * Frees it.
 */
void vp_assert_refuses(struct vp_ran *ran, int status, const char *why);

#endif /* VP_PROGRAM_H */
