// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl add, set, remove, plug, unplug and apply: the GPUs of configfs.
 *
 * The kernel alone knows which attributes there are, and what they may be: this
 * program writes what it is told, and passes on the answer.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../common/gpu.h"
#include "debugfs.h"
#include "gpus.h"
#include "json.h"
#include "text.h"
#include "vprimectl.h"

#define CONFIGFS	"/sys/kernel/config"
#define CONFIGFS_TYPE	0x62656570
#define FOLDER		CONFIGFS "/vprime"

/** struct setting - KEY=VALUE */
struct setting {
	char *key;
	char *value;
	/** @line: of the file it is from */
	unsigned int line;
};

/** struct wish - a GPU as it is to be */
struct wish {
	char *name;
	unsigned int line;
	/** @settings: without "enabled" */
	struct setting *settings;
	size_t count;
	/** @enabled: "0" or "1" */
	const char *enabled;
	/** @is_new: its folder is there since this program made it, and goes if anything is wrong */
	bool is_new;
};

static void *must(void *memory)
{
	if (!memory)
		err(1, "memory");
	return memory;
}

static char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *text_of(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		err(1, "memory");
	va_end(args);
	return text;
}

/* ---- configfs ----------------------------------------------------------------------------- */

static void path_of(const char *gpu, const char *file, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, FOLDER "/%s%s%s", gpu, *file ? "/" : "", file) >= PATH_MAX)
		errx(1, "%s: the path is too long", gpu);
}

static void require_configfs(void)
{
	struct statfs mounted;

	module_require();
	if (statfs(CONFIGFS, &mounted) || mounted.f_type != CONFIGFS_TYPE)
		errx(1, "configfs is not mounted at " CONFIGFS ": mount -t configfs nodev " CONFIGFS);
	if (access(FOLDER, F_OK))
		errx(1, FOLDER " is not there: the kernel was built without configfs, "
		     "and the module's parameter gpus makes all GPUs");
}

static bool exists(const char *gpu)
{
	char path[PATH_MAX];

	path_of(gpu, "", path);
	return !access(path, F_OK);
}

/* The name comes from a person, and becomes part of a path. */
static char *check_name(const char *gpu)
{
	if (!*gpu || *gpu == '.' || strlen(gpu) > NAME_MAX || strchr(gpu, '/') || strchr(gpu, '\n'))
		return text_of("'%s' cannot be the name of a GPU", gpu);
	return NULL;
}

/* Returns: the attribute, to be freed; NULL if it cannot be read */
static char *get(const char *gpu, const char *key)
{
	char path[PATH_MAX], text[4096];
	ssize_t got;
	int fd;

	path_of(gpu, key, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got < 0)
		return NULL;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return must(strdup(text));
}

static bool is_plugged(const char *gpu)
{
	char *enabled = get(gpu, "enabled");
	bool plugged = enabled && !strcmp(enabled, "1");

	free(enabled);
	return plugged;
}

/* The kernel's log from now on; less than 0 where that cannot be read. */
static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/*
 * What the module has said of the GPU since then: a line "vprime: GPU: what". The
 * log is closed. Returns: the text, to be freed; NULL if it has said nothing.
 */
static char *log_answer(int fd, const char *gpu)
{
	char record[8192], *start = text_of("vprime: %s: ", gpu), *answer = NULL;
	ssize_t got;

	while (!answer && fd >= 0 &&
	       ((got = read(fd, record, sizeof(record) - 1)) > 0 || (got < 0 && errno == EPIPE))) {
		char *text;

		if (got < 0)
			continue; /* records that are lost already */
		record[got] = '\0';
		text = strchr(record, ';');
		if (!text || strncmp(text + 1, start, strlen(start)))
			continue;
		text += 1 + strlen(start);
		text[strcspn(text, "\n")] = '\0';
		answer = must(strdup(text));
	}
	free(start);
	if (fd >= 0)
		close(fd);
	return answer;
}

static char *only_root(void)
{
	return text_of("only root may change GPUs: try sudo vprimectl");
}

/* Those that can be written, in one line; to be freed. */
static char *attributes_of(const char *gpu)
{
	char path[PATH_MAX], *all = NULL;
	struct dirent **entries;
	int count;

	path_of(gpu, "", path);
	count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		struct stat status;
		char *more;

		path_of(gpu, entries[i]->d_name, path);
		if (!stat(path, &status) && S_ISREG(status.st_mode) && status.st_mode & S_IWUSR) {
			more = text_of("%s%s%s", all ? all : "", all ? ", " : "", entries[i]->d_name);
			free(all);
			all = more;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return all ? all : must(strdup("none"));
}

static char *explain_open(const char *gpu, const char *key, int error)
{
	char *all, *why;

	if (error == EACCES && geteuid())
		return only_root();
	if (error == EACCES)
		return text_of("%s: it can only be read", key);
	if (error != ENOENT && error != ENOTDIR && error != EISDIR && error != ENAMETOOLONG)
		return text_of("%s: %s", key, strerror(error));
	all = attributes_of(gpu);
	why = text_of("%s: there is no such attribute, but %s", key, all);
	free(all);
	return why;
}

static char *explain_write(const char *key, int error, int log, const char *folder)
{
	char *answer = log_answer(log, folder), *why;

	if (error == EBUSY)
		why = text_of("%s: it cannot be changed while the GPU is plugged in: "
			      "vprimectl unplug first", key);
	else if (answer)
		why = must(strdup(answer));
	else
		why = text_of("%s: %s", key, strerror(error));
	free(answer);
	return why;
}

/*
 * Write an attribute. Returns: NULL, or why it is refused, to be freed; @error gets
 * the errno.
 */
static char *put(const char *gpu, const char *key, const char *value, int *error)
{
	char path[PATH_MAX], *line = text_of("%s\n", value);
	size_t length = strlen(line);
	ssize_t wrote;
	int fd, log;

	path_of(gpu, key, path);
	*error = ENOENT;
	fd = *key && !strstr(key, "..") ? open(path, O_WRONLY | O_CLOEXEC) : -1;
	if (fd < 0) {
		free(line);
		*error = *key && !strstr(key, "..") ? errno : ENOENT;
		return explain_open(gpu, key, *error);
	}
	log = log_open();
	wrote = write(fd, line, length);
	*error = wrote < 0 ? errno : (size_t)wrote < length ? EINVAL : 0;
	close(fd);
	free(line);
	if (*error)
		return explain_write(key, *error, log, gpu);
	if (log >= 0)
		close(log);
	return NULL;
}

/* Returns: NULL, or why there is no such folder now, to be freed */
static char *make_folder(const char *gpu)
{
	char path[PATH_MAX], *why;
	int error, log;

	path_of(gpu, "", path);
	log = log_open();
	if (!mkdir(path, 0755)) {
		if (log >= 0)
			close(log);
		return NULL;
	}
	error = errno;
	why = log_answer(log, gpu);
	if (error == EEXIST)
		why = text_of("there is such a GPU already: vprimectl set changes it");
	else if ((error == EACCES || error == EPERM) && geteuid())
		why = only_root();
	else if (!why)
		why = text_of("%s: %s", path, strerror(error));
	return why;
}

static void remove_folder(const char *gpu)
{
	char path[PATH_MAX];

	path_of(gpu, "", path);
	rmdir(path);
}

/* ---- what is told ------------------------------------------------------------------------- */

static bool first_change = true;

static void changes_begin(const struct options *options)
{
	if (!options->json)
		return;
	json_open('{');
	json_key("changes");
	json_open('[');
}

static void changes_end(const struct options *options)
{
	if (options->json) {
		json_close(']');
		json_close('}');
		json_end();
	} else if (first_change) {
		puts("nothing to change");
	}
}

/* What has been done to a GPU, and where it is now. */
static void changed(const struct options *options, const char *gpu, const char *change)
{
	char *device = exists(gpu) ? get(gpu, "device") : NULL;
	struct gpu found = {};
	uint64_t index;

	first_change = false;
	if (device && *device && text_number(device + strlen("vprime"), &index)) {
		found.index = (uint32_t)index;
		gpus_find_nodes(&found);
	}
	if (!options->json) {
		printf("%s: %s", gpu, change);
		if (*found.primary)
			printf(": %s, %s, %s", device, found.primary, found.render);
		putchar('\n');
	} else {
		json_open('{');
		json_key("gpu");
		json_string(gpu);
		json_key("change");
		json_string(change);
		if (*found.primary) {
			json_key("device");
			json_string(device);
			json_key("card");
			json_string(found.primary);
			json_key("render");
			json_string(found.render);
		}
		json_close('}');
	}
	free(device);
}

/* ---- wishes ------------------------------------------------------------------------------- */

static const char *parse_enabled(const char *value)
{
	static const char *const off[] = { "0", "n", "off" }, *const on[] = { "1", "y", "on" };

	for (int i = 0; i < 3; i++) {
		if (!strcmp(value, off[i]))
			return "0";
		if (!strcmp(value, on[i]))
			return "1";
	}
	return NULL;
}

/* Returns: NULL, or what is wrong, to be freed */
static char *add_setting(struct wish *wish, char *key, char *value, unsigned int line)
{
	if (strlen(key) > NAME_MAX)
		return text_of("%s: there is no such attribute", key);
	for (size_t i = 0; i < wish->count; i++)
		if (!strcmp(wish->settings[i].key, key))
			return text_of("%s: it is there twice", key);
	if (!strcmp(key, "enabled")) {
		if (wish->enabled)
			return text_of("%s: it is there twice", key);
		wish->enabled = parse_enabled(value);
		return wish->enabled ? NULL : text_of("%s: '%s' is not 0 or 1", key, value);
	}
	wish->settings = must(reallocarray(wish->settings, wish->count + 1, sizeof(*wish->settings)));
	wish->settings[wish->count++] = (struct setting){ key, value, line };
	return NULL;
}

/* NAME KEY=VALUE... */
static struct wish wish_of_words(char *const *words)
{
	struct wish wish = { .name = words[0] };
	char *why = check_name(wish.name);

	if (why)
		errx(2, "%s", why);
	for (words++; *words; words++) {
		char *equals = strchr(*words, '=');

		if (!equals || equals == *words)
			errx(2, "%s: not KEY=VALUE", *words);
		*equals = '\0';
		why = add_setting(&wish, *words, equals + 1, 0);
		if (why)
			errx(2, "%s", why);
	}
	return wish;
}

/* Returns: NULL, or why it is refused, to be freed; @line is that of the setting */
static char *put_all(const char *gpu, const struct wish *wish, unsigned int *line)
{
	char *why = NULL;
	int error;

	for (size_t i = 0; i < wish->count && !why; i++) {
		*line = wish->settings[i].line;
		why = put(gpu, wish->settings[i].key, wish->settings[i].value, &error);
	}
	return why;
}

int command_add(const struct options *options)
{
	struct wish wish = wish_of_words(options->words);
	const char *enabled = wish.enabled ? wish.enabled : "1";
	unsigned int line;
	char *why;
	int error;

	require_configfs();
	why = make_folder(wish.name);
	if (why)
		errx(1, "%s: %s", wish.name, why);
	why = put_all(wish.name, &wish, &line);
	if (!why && *enabled == '1')
		why = put(wish.name, "enabled", enabled, &error);
	if (why) {
		remove_folder(wish.name);
		errx(1, "%s: %s", wish.name, why);
	}
	changes_begin(options);
	changed(options, wish.name, *enabled == '1' ? "added" : "added, not plugged in");
	changes_end(options);
	free(wish.settings);
	return 0;
}

/* ---- one GPU ------------------------------------------------------------------------------ */

static void require_gpu(const char *gpu)
{
	char *why = check_name(gpu);
	uint64_t index;

	if (why)
		errx(2, "%s", why);
	require_configfs();
	if (exists(gpu))
		return;
	if (!strncmp(gpu, "vprime", 6) && text_number(gpu + 6, &index))
		errx(1, "%s: not a name in " FOLDER ": vprimectl gpus shows them as config, and "
		     "the GPUs without one are the module's own", gpu);
	errx(1, "%s: there is no such GPU: vprimectl gpus shows those there are", gpu);
}

int command_set(const struct options *options)
{
	struct wish wish = wish_of_words(options->words);
	char **before = must(calloc(wish.count + 1, sizeof(*before)));
	char *why = NULL;
	size_t i;
	int error;

	require_gpu(wish.name);
	for (i = 0; i < wish.count && !why; i++) {
		before[i] = get(wish.name, wish.settings[i].key);
		why = put(wish.name, wish.settings[i].key, wish.settings[i].value, &error);
	}
	if (!why && wish.enabled)
		why = put(wish.name, "enabled", wish.enabled, &error);
	if (why) {
		while (i--)
			if (before[i])
				free(put(wish.name, wish.settings[i].key, before[i], &error));
		errx(1, "%s: %s", wish.name, why);
	}
	changes_begin(options);
	changed(options, wish.name, "set");
	changes_end(options);
	for (i = 0; i < wish.count; i++)
		free(before[i]);
	free(before);
	free(wish.settings);
	return 0;
}

int command_remove(const struct options *options)
{
	const char *gpu = options->words[0];
	char path[PATH_MAX];

	require_gpu(gpu);
	path_of(gpu, "", path);
	if (rmdir(path) && (errno == EACCES || errno == EPERM) && geteuid())
		errx(1, "%s: %s", gpu, only_root());
	if (exists(gpu))
		err(1, "%s", gpu);
	changes_begin(options);
	changed(options, gpu, "removed");
	changes_end(options);
	return 0;
}

static int enable(const struct options *options, const char *value, const char *change)
{
	const char *gpu = options->words[0];
	char *why;
	int error;

	require_gpu(gpu);
	why = put(gpu, "enabled", value, &error);
	if (why)
		errx(1, "%s: %s", gpu, why);
	changes_begin(options);
	changed(options, gpu, change);
	changes_end(options);
	return 0;
}

int command_plug(const struct options *options)
{
	return enable(options, "1", "plugged in");
}

int command_unplug(const struct options *options)
{
	return enable(options, "0", "unplugged");
}

/* ---- a file of GPUs ----------------------------------------------------------------------- */

/** struct wishes - those of a file */
struct wishes {
	const char *file;
	struct wish *list;
	size_t count;
};

static _Noreturn void wrong_line(const struct wishes *wishes, unsigned int line, const char *why)
{
	for (size_t i = 0; i < wishes->count; i++)
		if (wishes->list[i].is_new)
			remove_folder(wishes->list[i].name);
	errx(1, "%s:%u: %s", wishes->file, line, why);
}

/* Without the blanks around it; cut in place. */
static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length && strchr(" \t\r", text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

static void begin_wish(struct wishes *wishes, char *name, unsigned int line)
{
	char *why = check_name(name);

	if (why)
		wrong_line(wishes, line, why);
	for (size_t i = 0; i < wishes->count; i++)
		if (!strcmp(wishes->list[i].name, name))
			wrong_line(wishes, line, text_of("[%s] is there twice, in line %u too", name,
							 wishes->list[i].line));
	wishes->list = must(reallocarray(wishes->list, wishes->count + 1, sizeof(*wishes->list)));
	wishes->list[wishes->count++] = (struct wish){ .name = name, .line = line };
}

/* The strings are parts of @text. */
static void parse_line(struct wishes *wishes, char *text, unsigned int line)
{
	char *equals, *why;
	size_t length;

	text = trim(text);
	length = strlen(text);
	if (!length || *text == '#' || *text == ';')
		return;
	if (*text == '[') {
		if (text[length - 1] != ']')
			wrong_line(wishes, line, "a section is [NAME]");
		text[length - 1] = '\0';
		begin_wish(wishes, trim(text + 1), line);
		return;
	}
	equals = strchr(text, '=');
	if (!equals || equals == text)
		wrong_line(wishes, line, "neither [NAME] nor KEY = VALUE");
	if (!wishes->count)
		wrong_line(wishes, line, "an attribute of no GPU: a line [NAME] comes first");
	*equals = '\0';
	why = add_setting(&wishes->list[wishes->count - 1], trim(text), trim(equals + 1), line);
	if (why)
		wrong_line(wishes, line, why);
}

static struct wishes read_file(const char *path)
{
	struct wishes wishes = { .file = strcmp(path, "-") ? path : "standard input" };
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	unsigned int number = 0;
	size_t room = 0;
	char *line = NULL;

	if (!file)
		err(1, "%s", path);
	while (getline(&line, &room, file) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		parse_line(&wishes, line, ++number);
		line = NULL; /* the wishes have parts of it */
		room = 0;
	}
	if (ferror(file))
		err(1, "%s", path);
	free(line);
	if (file != stdin)
		fclose(file);
	return wishes;
}

/*
 * Have the kernel say what the GPU would be: a folder that is never plugged in takes
 * the values, and has the others' defaults. The wish gets all attributes, in the
 * kernel's own words. This is so for new GPUs too, which shows that there is room for
 * that folder when the same file is applied again.
 */
static void complete(struct wishes *wishes, struct wish *wish)
{
	char scratch[32], path[PATH_MAX], *why;
	struct wish all = *wish;
	unsigned int line = wish->line;
	struct dirent *entry;
	DIR *dir;

	snprintf(scratch, sizeof(scratch), "vprimectl-%d", getpid());
	why = make_folder(scratch);
	if (why)
		wrong_line(wishes, line, geteuid() ? why : text_of("%s: apply needs one more, to try values in", why));
	why = put_all(scratch, wish, &line);
	if (why) {
		remove_folder(scratch);
		wrong_line(wishes, line, why);
	}
	all.settings = NULL;
	all.count = 0;
	path_of(scratch, "", path);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		struct stat status;

		if (!strcmp(entry->d_name, "enabled") || fstatat(dirfd(dir), entry->d_name, &status, 0) ||
		    !S_ISREG(status.st_mode) || !(status.st_mode & S_IWUSR))
			continue;
		add_setting(&all, must(strdup(entry->d_name)), get(scratch, entry->d_name), 0);
	}
	if (dir)
		closedir(dir);
	remove_folder(scratch);
	if (!all.enabled)
		all.enabled = "1";
	*wish = all;
}

static bool differs(const char *gpu, const struct setting *setting)
{
	char *is = get(gpu, setting->key);
	bool other = !is || !setting->value || strcmp(is, setting->value);

	free(is);
	return other;
}

static void add_change(char **all, char *change)
{
	char *more = *all ? text_of("%s, %s", *all, change) : must(strdup(change));

	free(change);
	free(*all);
	*all = more;
}

/*
 * A GPU that was unplugged for a change that is refused is plugged in again. Returns:
 * NULL, or why it is refused, to be freed; @change gets what has been done all the same
 */
static char *fulfil(const struct wish *wish, char **change)
{
	bool was_plugged = is_plugged(wish->name), plug = *wish->enabled == '1';
	char *why = NULL;
	int error;

	for (size_t i = 0; i < wish->count && !why; i++) {
		const struct setting *setting = &wish->settings[i];

		if (!differs(wish->name, setting))
			continue;
		why = put(wish->name, setting->key, setting->value, &error);
		if (why && error == EBUSY && is_plugged(wish->name)) {
			free(why);
			why = put(wish->name, "enabled", "0", &error);
			if (!why)
				why = put(wish->name, setting->key, setting->value, &error);
		}
		if (!why)
			add_change(change, text_of("%s=%s", setting->key, setting->value));
	}
	if (!why && is_plugged(wish->name) != plug)
		why = put(wish->name, "enabled", wish->enabled, &error);
	if (why && was_plugged && !is_plugged(wish->name))
		free(put(wish->name, "enabled", "1", &error));
	if (is_plugged(wish->name) != was_plugged)
		add_change(change, must(strdup(was_plugged ? "unplugged" : "plugged in")));
	return why;
}

static void apply_wish(const struct options *options, struct wishes *wishes, struct wish *wish)
{
	char *change = NULL, *why = fulfil(wish, &change);

	if (wish->is_new && !why)
		changed(options, wish->name, *wish->enabled == '1' ? "added" : "added, not plugged in");
	else if (!wish->is_new && change)
		changed(options, wish->name, change);
	free(change);
	if (why) {
		if (options->json)
			changes_end(options);
		fflush(stdout);
		wrong_line(wishes, wish->line, text_of("%s: %s", wish->name, why));
	}
	wish->is_new = false;
}

/* What is wrong shows before anything is changed: also that there are too many GPUs, or a name cannot be one. */
static void prepare(struct wishes *wishes)
{
	for (size_t i = 0; i < wishes->count; i++) {
		struct wish *wish = &wishes->list[i];
		char *why;

		if (exists(wish->name))
			continue;
		why = make_folder(wish->name);
		if (why)
			wrong_line(wishes, wish->line, why);
		wish->is_new = true;
	}
	for (size_t i = 0; i < wishes->count; i++)
		complete(wishes, &wishes->list[i]);
}

int command_apply(const struct options *options)
{
	struct wishes wishes = read_file(options->words[0]);
	sigset_t signals;

	require_configfs();
	/* Nobody stops this half-way. */
	sigfillset(&signals);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	prepare(&wishes);
	changes_begin(options);
	for (size_t i = 0; i < wishes.count; i++)
		apply_wish(options, &wishes, &wishes.list[i]);
	changes_end(options);
	return 0;
}
