/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of vprimectl have in common: running it, reading its tables,
 * and a buffer for it to show.
 */
#ifndef VP_CTL_H
#define VP_CTL_H

#include <stdint.h>

#include "vp_json.h"
#include "vp_program.h"

/* The result of vprimectl with these arguments; vp_ran_free() it. */
#define vp_ctl(...)	vp_run_words(NULL, "vprimectl", __VA_ARGS__)
/* The same, and @before is called in its process before it starts. */
#define vp_ctl_as(before, ...) \
	vp_run_words(before, "vprimectl", __VA_ARGS__)

/* For vp_ctl_as(): as user nobody, in no group. */
void vp_ctl_nobody(void);

/* It has ended with 0 and nothing on the standard error. */
void vp_assert_done(const struct vp_ran *ran);

/*
 * A row of a table has a bar for each gap between columns. Each of these
 * returns what follows the row, for the next; vp_next_row() NULL after the last.
 */
#define VP_ROW	256

const char *vp_next_row(const char *text, char row[VP_ROW]);
/* Skip to the row that begins so. */
const char *vp_find_row(const char *text, const char *begin, char row[VP_ROW]);
/* The next one is exactly this. */
const char *vp_assert_row(const char *text, const char *wanted);

/*
 * What a file of the kernel's might say: a folder that looks like debugfs to
 * vprimectl --debugfs, with those files in it that are put there.
 */
#define VP_CTL_FOLDER	"/tmp/vprimectl.XXXXXX"	/* for a char[] */

void vp_ctl_folder(char *folder);
void vp_ctl_put(const char *folder, const char *file, const char *text);
void vp_ctl_folder_end(const char *folder);
/*
 * Every word of a line of such a file is a member of the object, which has
 * nothing else but lists of what is under it. Cuts the line into pieces.
 */
void vp_assert_same_line(char *line, const struct vp_json *json);

/* A buffer of GPU 0 that GPU 1 has imported. */
struct vp_scene {
	int gpu[2];
	uint32_t handle[2];
	int dmabuf;
	uint64_t id;
	char digits[24];	/* the id */
};

#define VP_SCENE_SIZE	(4 * VP_PAGE)

struct vp_scene vp_scene(void);
void vp_scene_end(struct vp_scene *scene);

#endif /* VP_CTL_H */
