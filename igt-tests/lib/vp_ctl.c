// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vp_ctl.h"
#include "vp_nobody.h"
#include "vp_test.h"

void vp_ctl_nobody(void)
{
	if (setgroups(0, NULL) || setgid(VP_NOBODY) || setuid(VP_NOBODY))
		_exit(126);
}

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

void vp_ctl_folder(char *folder)
{
	char path[128];

	igt_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/vprime", folder);
	igt_assert_eq(mkdir(path, 0755), 0);
}

void vp_ctl_put(const char *folder, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/vprime/%s", folder, name);
	file = fopen(path, "we");
	igt_assert_f(file, "%s: %s\n", path, strerror(errno));
	fputs(text, file);
	igt_assert_eq(fclose(file), 0);
}

void vp_ctl_folder_end(const char *folder)
{
	char path[128], file[512];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/vprime", folder);
	dir = opendir(path);
	igt_assert(dir);
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		igt_assert_eq(remove(file), 0);
	}
	closedir(dir);
	igt_assert_eq(rmdir(path), 0);
	igt_assert_eq(rmdir(folder), 0);
}

static void assert_same_word(const char *key, const char *value,
			     const struct vp_json *member)
{
	switch (member->type) {
	case VP_JSON_BOOL:
		value = *value == 'y' ? "true" : "false";
		break;
	case VP_JSON_NULL:
		igt_assert_f(!strcmp(value, "none"), "%s=%s is null\n", key,
			     value);
		return;
	default:
		break;
	}
	igt_assert_f(!strcmp(member->text, value), "%s is %s, not %s\n", key,
		     member->text, value);
}

void vp_assert_same_line(char *line, const struct vp_json *json)
{
	unsigned int members = 0;
	char *word, *rest, *value;

	strtok_r(line, " ", &rest); /* the kind */
	while ((word = strtok_r(NULL, " ", &rest))) {
		value = strchr(word, '=');
		*value++ = '\0';
		assert_same_word(word, value, vp_json_get(json, word));
		members++;
	}
	for (const struct vp_json *in = json->first; in; in = in->next)
		members -= in->type != VP_JSON_ARRAY;
	igt_assert_eq(members, 0);
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
