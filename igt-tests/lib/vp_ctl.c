// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <unistd.h>

#include "vp_ctl.h"
#include "vp_test.h"

void vp_assert_done(const struct vp_ran *ran)
{
	igt_assert_f(!ran->status && !*ran->err, "exit status %d: %s\n",
		     ran->status, ran->err);
}

const char *vp_next_row(const char *text, char row[VP_ROW])
{
	size_t length = 0;

	if (!*text)
		return NULL;
	while (*text && *text != '\n') {
		size_t blanks = strspn(text, " ");

		if (blanks > 1 && length)
			row[length++] = '|';
		else if (blanks == 1)
			row[length++] = ' ';
		text += blanks;
		if (!blanks)
			row[length++] = *text++;
		igt_assert_lt(length, VP_ROW - 1);
	}
	row[length] = '\0';
	return *text ? text + 1 : text;
}

const char *vp_find_row(const char *text, const char *begin, char row[VP_ROW])
{
	while ((text = vp_next_row(text, row)))
		if (!strncmp(row, begin, strlen(begin)))
			return text;
	igt_assert_f(false, "no row begins with %s\n", begin);
	return NULL;
}

const char *vp_assert_row(const char *text, const char *wanted)
{
	char row[VP_ROW];

	text = vp_next_row(text, row);
	igt_assert_f(text, "no row %s\n", wanted);
	igt_assert_f(!strcmp(row, wanted), "row: %s\nwanted: %s\n", row,
		     wanted);
	return text;
}

struct vp_scene vp_scene(void)
{
	struct vp_scene scene = { .gpu = { vp_open(0), vp_open(1) } };

	scene.handle[0] = vp_create(scene.gpu[0], VP_SCENE_SIZE);
	scene.dmabuf = vp_export(scene.gpu[0], scene.handle[0]);
	scene.handle[1] = vp_import(scene.gpu[1], scene.dmabuf);
	scene.id = vp_id(scene.gpu[0], scene.handle[0]);
	snprintf(scene.digits, sizeof(scene.digits), "%llu",
		 (unsigned long long)scene.id);
	return scene;
}

void vp_scene_end(struct vp_scene *scene)
{
	close(scene->dmabuf);
	close(scene->gpu[0]);
	close(scene->gpu[1]);
}
