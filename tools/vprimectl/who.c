// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl who: what keeps each GPU and the module, by process.
 *
 * What processes have is in /proc, what their handles lead to in debugfs. The rest
 * (imports of other drivers, fences in syncobjs, descriptors in sockets) has no
 * process by itself: it is what the kernel counts and no process has, and who may
 * have to do with it is told.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counts.h"
#include "debugfs.h"
#include "gpus.h"
#include "grid.h"
#include "json.h"
#include "rows.h"
#include "text.h"
#include "vprimectl.h"
#include "who.h"

#define CONFIGFS	"/sys/kernel/config/vprime"
/* so many processes and buffers are named one by one, the others counted */
#define NAMED		5

/** struct row - what a process has of a GPU's, or what has no process */
struct row {
	/** @pid: 0 for what has no process */
	pid_t pid;
	/** @who: the process's name, or what it is */
	char who[128];
	/** @gpu: the name of the GPU's device, or "-" */
	char gpu[HOLDER_NAME];
	uint64_t files;
	uint64_t handles;
	uint64_t bytes;
	uint64_t dmabufs;
	uint64_t mappings;
	uint64_t sync_files;
	/** @what: what more there is to say, to be freed; or NULL */
	char *what;
};

/** struct table - all rows, and what they are made from */
struct table {
	struct row *rows;
	size_t count;
	const struct entry *clients;
	const struct entry *buffers;
	const struct holds *holds;
	/** @device_of: the names of the devices by minor, NULL for other drivers' */
	const char *device_of[256];
	struct gpu gpus[GPU_MAX];
	int gpu_count;
	/** @by_inode: the buffers that are exported, by inode */
	const struct entry **by_inode;
	size_t exported;
};

static uint64_t number(const struct entry *entry, const char *key)
{
	uint64_t value;

	return text_number(row_get(entry, key), &value) ? value : 0;
}

/* ---- which is whose ----------------------------------------------------------------------- */

static void name_minor(struct table *table, const char *node, const char *device)
{
	unsigned int minor;

	if ((sscanf(node, "/dev/dri/card%u", &minor) == 1 || sscanf(node, "/dev/dri/renderD%u", &minor) == 1) &&
	    minor < 256)
		table->device_of[minor] = device;
}

/* The GPUs that are plugged in, and those that only open files are left of. */
static void name_minors(struct table *table)
{
	static char names[GPU_MAX][16];

	table->gpu_count = gpus_list(table->gpus);
	for (int i = 0; i < table->gpu_count; i++) {
		snprintf(names[i], sizeof(names[i]), "vprime%" PRIu32, table->gpus[i].index);
		name_minor(table, table->gpus[i].primary, names[i]);
		name_minor(table, table->gpus[i].render, names[i]);
	}
	for (const struct entry *client = table->clients; client; client = client->next)
		if (number(client, "minor") < 256)
			table->device_of[number(client, "minor")] = row_get(client, "device");
}

static int by_inode(const void *a, const void *b)
{
	uint64_t one = number(*(const struct entry *const *)a, "inode");
	uint64_t other = number(*(const struct entry *const *)b, "inode");

	return (one > other) - (one < other);
}

static void sort_buffers(struct table *table)
{
	size_t count = 0;

	for (const struct entry *buffer = table->buffers; buffer; buffer = buffer->next)
		count++;
	table->by_inode = calloc(count + 1, sizeof(*table->by_inode));
	if (!table->by_inode)
		err(1, "memory");
	for (const struct entry *buffer = table->buffers; buffer; buffer = buffer->next)
		if (number(buffer, "inode"))
			table->by_inode[table->exported++] = buffer;
	qsort(table->by_inode, table->exported, sizeof(*table->by_inode), by_inode);
}

static const struct entry *find_buffer(const struct table *table, uint64_t inode)
{
	size_t low = 0, high = table->exported;

	while (low < high) {
		size_t middle = (low + high) / 2;
		uint64_t is = number(table->by_inode[middle], "inode");

		if (is == inode)
			return table->by_inode[middle];
		if (is < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ---- rows --------------------------------------------------------------------------------- */

static struct row *new_row(struct table *table, pid_t pid, const char *who, const char *gpu)
{
	struct row *row;

	table->rows = reallocarray(table->rows, table->count + 1, sizeof(*table->rows));
	if (!table->rows)
		err(1, "memory");
	row = &table->rows[table->count++];
	*row = (struct row){ .pid = pid };
	snprintf(row->who, sizeof(row->who), "%s", who);
	snprintf(row->gpu, sizeof(row->gpu), "%s", gpu);
	return row;
}

/* The last rows are those of the process that was looked at last. */
static struct row *row_of(struct table *table, pid_t pid, const char *who, const char *gpu)
{
	for (size_t i = table->count; i--;)
		if (table->rows[i].pid == pid && !strcmp(table->rows[i].gpu, gpu) &&
		    (pid || !strcmp(table->rows[i].who, who)))
			return &table->rows[i];
	return new_row(table, pid, who, gpu);
}

static void say(struct row *row, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct row *row, const char *format, ...)
{
	char *more, *both;
	va_list args;

	va_start(args, format);
	if (vasprintf(&more, format, args) < 0)
		err(1, "memory");
	va_end(args);
	if (asprintf(&both, "%s%s%s", row->what ? row->what : "", row->what ? ", " : "", more) < 0)
		err(1, "memory");
	free(row->what);
	free(more);
	row->what = both;
}

static bool is_ours(const char *device)
{
	uint64_t index;

	return !strncmp(device, "vprime", 6) && text_number(device + 6, &index);
}

static void add_hold(struct table *table, const struct hold *hold)
{
	const struct entry *buffer;
	const char *device;

	switch (hold->kind) {
	case HOLD_NODE:
	case HOLD_NODE_MAPPING:
		device = hold->number < 256 ? table->device_of[hold->number] : NULL;
		if (device && hold->kind == HOLD_NODE)
			row_of(table, hold->pid, hold->process, device)->files++;
		else if (device)
			row_of(table, hold->pid, hold->process, device)->mappings++;
		break;
	case HOLD_DMABUF:
	case HOLD_MAPPING:
		buffer = find_buffer(table, hold->number);
		device = buffer ? row_get(buffer, "exporter") : strcmp(hold->name, "vprime") ? NULL : "-";
		if (device && hold->kind == HOLD_DMABUF)
			row_of(table, hold->pid, hold->process, device)->dmabufs++;
		else if (device)
			row_of(table, hold->pid, hold->process, device)->mappings++;
		break;
	case HOLD_SYNC_FILE:
		if (is_ours(hold->name) || !strcmp(hold->name, "sw_sync"))
			row_of(table, hold->pid, hold->process, hold->name)->sync_files++;
		break;
	case HOLD_DEBUGFS:
		say(row_of(table, hold->pid, hold->process, "-"), "%s open", hold->name);
		break;
	default:
		break;
	}
}

/* ---- what has no process ------------------------------------------------------------------ */

/* The processes that something is true of, each once and the first few by name; to be freed. */
static char *processes_with(const struct table *table, bool (*is)(const struct table *table, const struct hold *hold))
{
	char *all = NULL, *more;
	unsigned int count = 0;
	pid_t last = 0;

	for (size_t i = 0; i < table->holds->count; i++) {
		const struct hold *hold = &table->holds->list[i];

		if (hold->pid == last || !is(table, hold))
			continue;
		last = hold->pid;
		if (count++ >= NAMED)
			continue;
		if (asprintf(&more, "%s%s%s[%d]", all ? all : "", all ? ", " : "", hold->process, hold->pid) < 0)
			err(1, "memory");
		free(all);
		all = more;
	}
	if (count > NAMED) {
		if (asprintf(&more, "%s and %u more", all, count - NAMED) < 0)
			err(1, "memory");
		free(all);
		all = more;
	}
	return all;
}

/* for has_minor() */
static uint64_t wanted_minor;

static bool has_minor(const struct table *table, const struct hold *hold)
{
	(void)table;
	return (hold->kind == HOLD_NODE || hold->kind == HOLD_NODE_MAPPING) && hold->number == wanted_minor;
}

static bool process_has(const struct table *table, pid_t pid)
{
	for (size_t i = 0; i < table->holds->count; i++)
		if (table->holds->list[i].pid == pid && has_minor(table, &table->holds->list[i]))
			return true;
	return false;
}

/* The kernel tells who opened a file, which may have given it away since. */
static void add_clients(struct table *table)
{
	for (const struct entry *client = table->clients; client; client = client->next) {
		pid_t pid = (pid_t)number(client, "pid");
		struct row *row;
		char *users;

		wanted_minor = number(client, "minor");
		if (!number(client, "handles") && process_has(table, pid))
			continue;
		row = row_of(table, pid, row_get(client, "process"), row_get(client, "device"));
		row->handles += number(client, "handles");
		row->bytes += number(client, "bytes");
		if (process_has(table, pid) || row->what)
			continue;
		users = processes_with(table, has_minor);
		if (users)
			say(row, "a file that it opened and passed on to: %s", users);
		else
			say(row, "a file that it opened, and that is on its way in a socket");
		free(users);
	}
}

static void add_processes(struct table *table)
{
	for (size_t i = 0; i < table->holds->count; i++)
		add_hold(table, &table->holds->list[i]);
	add_clients(table);
}

static void add_folders(struct table *table)
{
	DIR *dir = opendir(CONFIGFS);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *gpu = "-";
		char config[256];

		if (*entry->d_name == '.' || entry->d_type != DT_DIR)
			continue;
		for (int i = 0; i < table->gpu_count && *gpu == '-'; i++) {
			gpus_find_config(&table->gpus[i], config);
			if (!strcmp(config, entry->d_name))
				gpu = table->device_of[atoi(table->gpus[i].primary + strlen("/dev/dri/card"))];
		}
		say(new_row(table, 0, "configfs", gpu ? gpu : "-"), "folder %s: vprimectl remove %s", entry->d_name,
		    entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/* The minors of a device of another driver, by its name; for has_device(). */
static bool foreign_minors[256];

static void find_foreign_minors(const char *device)
{
	char path[PATH_MAX], *slash;
	glob_t found;

	memset(foreign_minors, 0, sizeof(foreign_minors));
	if (glob("/sys/class/drm/[cr]*[0-9]/device", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		unsigned int minor;

		slash = realpath(found.gl_pathv[i], path) ? strrchr(path, '/') : NULL;
		if (slash && (!device || !strcmp(slash + 1, device)) && (device || !is_ours(slash + 1)) &&
		    (sscanf(found.gl_pathv[i], "/sys/class/drm/card%u/", &minor) == 1 ||
		     sscanf(found.gl_pathv[i], "/sys/class/drm/renderD%u/", &minor) == 1) && minor < 256)
			foreign_minors[minor] = true;
	}
	globfree(&found);
}

static bool has_device(const struct table *table, const struct hold *hold)
{
	(void)table;
	return (hold->kind == HOLD_NODE || hold->kind == HOLD_NODE_MAPPING) && hold->number < 256 &&
	       foreign_minors[hold->number];
}

static bool has_socket(const struct table *table, const struct hold *hold)
{
	(void)table;
	return hold->kind == HOLD_SOCKET;
}

/* A fence that has signalled does not tell its driver on Linux 7.x. */
static bool may_have_fences(const struct table *table, const struct hold *hold)
{
	return hold->kind == HOLD_SYNCOBJ ||
	       (hold->kind == HOLD_SYNC_FILE && !strcmp(hold->name, "detached-driver")) || has_device(table, hold) ||
	       (hold->kind == HOLD_DMABUF && !find_buffer(table, hold->number));
}

/* One row for each device of another driver that has buffers of a GPU. */
static void add_importer(struct table *table, const struct entry *buffer, const struct entry *attachment)
{
	const char *device = row_get(attachment, "device"), *gpu = row_get(buffer, "exporter");
	char who[128], *users;
	struct row *row;

	snprintf(who, sizeof(who), "device %s (%s)", device, row_get(attachment, "driver"));
	row = row_of(table, 0, who, gpu);
	if (!row->dmabufs++) {
		find_foreign_minors(device);
		users = processes_with(table, has_device);
		say(row, "imports buffer %s", row_get(buffer, "id"));
		if (users)
			say(row, "for a process that has it open: %s", users);
		free(users);
	}
}

/** struct numbers - in order, so that one is found soon: there can be a great many */
struct numbers {
	uint64_t *list;
	size_t count;
};

/** struct held - the buffers that somebody has */
struct held {
	/** @ids: of those that handles lead to */
	struct numbers ids;
	/** @inodes: of those that processes have descriptors or mappings of */
	struct numbers inodes;
};

static int by_number(const void *a, const void *b)
{
	const uint64_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

static bool is_among(const struct numbers *numbers, uint64_t number)
{
	return bsearch(&number, numbers->list, numbers->count, sizeof(number), by_number);
}

static struct held find_held(const struct table *table)
{
	size_t handles = 0;
	struct held held = {};

	for (const struct entry *client = table->clients; client; client = client->next)
		for (const struct entry *handle = client->children; handle; handle = handle->next)
			handles++;
	held.ids.list = calloc(handles + 1, sizeof(uint64_t));
	held.inodes.list = calloc(table->holds->count + 1, sizeof(uint64_t));
	if (!held.ids.list || !held.inodes.list)
		err(1, "memory");
	for (const struct entry *client = table->clients; client; client = client->next)
		for (const struct entry *handle = client->children; handle; handle = handle->next)
			held.ids.list[held.ids.count++] = number(handle, "buffer");
	for (size_t i = 0; i < table->holds->count; i++)
		if (table->holds->list[i].kind == HOLD_DMABUF || table->holds->list[i].kind == HOLD_MAPPING)
			held.inodes.list[held.inodes.count++] = table->holds->list[i].number;
	qsort(held.ids.list, held.ids.count, sizeof(uint64_t), by_number);
	qsort(held.inodes.list, held.inodes.count, sizeof(uint64_t), by_number);
	return held;
}

/* A GPU that has been unplugged has no driver any more. */
static bool is_foreign(const struct entry *entry)
{
	return !strcmp(entry->kind, "attachment") && strcmp(row_get(entry, "driver"), "vprime") &&
	       !is_ours(row_get(entry, "device"));
}

/* Buffers that are there, and that neither a process nor a driver has. */
static void add_buffers(struct table *table)
{
	struct held held = find_held(table);
	struct row *row = NULL;
	char *sockets;

	for (const struct entry *buffer = table->buffers; buffer; buffer = buffer->next) {
		bool imported = false;

		for (const struct entry *entry = buffer->children; entry; entry = entry->next) {
			if (!is_foreign(entry))
				continue;
			add_importer(table, buffer, entry);
			imported = true;
		}
		if (imported || !number(buffer, "inode") || is_among(&held.ids, number(buffer, "id")) ||
		    is_among(&held.inodes, number(buffer, "inode")))
			continue;
		row = row_of(table, 0, "socket", row_get(buffer, "exporter"));
		if (!row->dmabufs++) {
			say(row, "buffer %s: no process has it, so it is on its way in a socket",
			    row_get(buffer, "id"));
			sockets = processes_with(table, has_socket);
			if (sockets)
				say(row, "not received by: %s", sockets);
			free(sockets);
		}
	}
	free(held.ids.list);
	free(held.inodes.list);
}

/* How many fences there are that no sync_file has. */
static uint64_t left_fences(const struct table *table)
{
	struct counts counts = counts_read("counts");
	uint64_t left = 0, have = 0;

	for (int i = 0; i < counts.length; i++)
		if (!strcmp(counts.list[i].name, "fences") && !text_number(counts.list[i].number, &left))
			left = 0;
	for (size_t i = 0; i < table->holds->count; i++)
		if (table->holds->list[i].kind == HOLD_SYNC_FILE &&
		    (is_ours(table->holds->list[i].name) || !strcmp(table->holds->list[i].name, "sw_sync")))
			have++;
	counts_free(&counts);
	return left > have ? left - have : 0;
}

static void add_fences(struct table *table)
{
	uint64_t left = left_fences(table);
	struct row *row;
	char *users;

	/* with buffers, or files, of our own it is they that have them */
	if (!left || table->clients || table->buffers)
		return;
	row = new_row(table, 0, "fences", "-");
	say(row, "%" PRIu64 " in syncobjs, signalled in sync_files, or on buffers of other drivers", left);
	find_foreign_minors(NULL);
	users = processes_with(table, may_have_fences);
	if (users)
		say(row, "of: %s", users);
	free(users);
}

/* ---- showing ------------------------------------------------------------------------------ */

static void some(struct grid *grid, uint64_t count, const char *one)
{
	if (count)
		grid_more(grid, "%" PRIu64 " %s%s", count, one, count == 1 ? "" : "s");
}

static void print_rows(const struct table *table, const char *gpu)
{
	struct grid grid = { .columns = 3 };
	char digits[32], size[TEXT_SIZE];

	for (size_t i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[i];

		if (gpu && strcmp(row->gpu, gpu))
			continue;
		if (!grid.count) {
			grid_cell(&grid, "who");
			grid_cell(&grid, "gpu");
			grid_cell(&grid, "keeps");
		}
		grid_cell(&grid, row->pid ? "%s[%d]" : "%s", row->who, row->pid);
		grid_cell(&grid, "%s", row->gpu);
		grid_cell(&grid, "%s", "");
		some(&grid, row->files, "open file");
		if (row->handles) {
			snprintf(digits, sizeof(digits), "%" PRIu64, row->bytes);
			grid_more(&grid, "%" PRIu64 " handle%s (%s)", row->handles, row->handles == 1 ? "" : "s",
				  text_size(digits, size));
		}
		some(&grid, row->dmabufs, "dma-buf");
		some(&grid, row->mappings, "mapping");
		some(&grid, row->sync_files, "fence in sync_files");
		if (row->what)
			grid_more(&grid, "%s", row->what);
	}
	if (grid.count)
		grid_print(&grid);
}

static void print_json(const struct table *table, const char *gpu)
{
	static const char *const keys[] = { "files", "handles", "bytes", "dmabufs", "mappings", "sync_files" };

	json_key("holders");
	json_open('[');
	for (size_t i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[i];
		const uint64_t values[] = { row->files, row->handles, row->bytes, row->dmabufs, row->mappings,
					    row->sync_files };

		if (gpu && strcmp(row->gpu, gpu))
			continue;
		json_open('{');
		json_key("who");
		json_string(row->who);
		json_key("pid");
		if (row->pid)
			json_number((uint64_t)row->pid);
		else
			json_null();
		json_key("gpu");
		if (strcmp(row->gpu, "-"))
			json_string(row->gpu);
		else
			json_null();
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
			json_key(keys[k]);
			json_number(values[k]);
		}
		json_key("what");
		if (row->what)
			json_string(row->what);
		else
			json_null();
		json_close('}');
	}
	json_close(']');
}

static void free_table(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->rows[i].what);
	free(table->rows);
	free(table->by_inode);
}

void who_processes(const struct entry *clients, const struct entry *buffers, const struct holds *holds)
{
	struct table table = { .clients = clients, .buffers = buffers, .holds = holds };

	name_minors(&table);
	sort_buffers(&table);
	add_processes(&table);
	if (table.count)
		putchar('\n');
	print_rows(&table, NULL);
	free_table(&table);
}

/* vprimeN, or its name in configfs. Returns: the device's name */
static const char *find_gpu(const struct table *table, const char *word)
{
	static char name[32];
	char config[256];

	for (int i = 0; i < 256; i++)
		if (table->device_of[i] && !strcmp(table->device_of[i], word))
			return word;
	for (int i = 0; i < table->gpu_count; i++) {
		gpus_find_config(&table->gpus[i], config);
		snprintf(name, sizeof(name), "vprime%" PRIu32, table->gpus[i].index);
		if (!strcmp(config, word))
			return name;
	}
	errx(1, "%s: there is no such GPU: vprimectl gpus shows those there are", word);
}

/* How often something has the module; -1 if that cannot be read. */
static long references(void)
{
	FILE *file = fopen("/sys/module/vprime/refcnt", "re");
	long count = -1;

	if (file && fscanf(file, "%ld", &count) != 1)
		count = -1;
	if (file)
		fclose(file);
	return count;
}

static void print_end(const struct table *table, long count, bool all)
{
	if (!count)
		puts("nothing keeps the module: modprobe -r vprime removes it");
	else if (count > 0 && !table->count)
		printf("the module is in use (%ld), by what %s\n", count,
		       all ? "no list has" : "only root sees");
	else if (count > 0)
		printf("the module is in use (%ld), by all of these\n", count);
}

int command_who(const struct options *options)
{
	bool all = !geteuid();
	char *client_text = NULL, *buffer_text = NULL;
	struct entry *clients = NULL, *buffers = NULL;
	struct holds holds;
	struct table table = { .holds = &holds };
	const char *gpu = NULL;
	long count;

	module_require();
	if (all) {
		clients = debugfs_read_list("clients", &client_text);
		if (debugfs_has("buffers"))
			buffers = debugfs_read_list("buffers", &buffer_text);
	}
	/* before this program looks, which may make other processes' fences its own */
	count = references();
	holds = holds_find(0);
	table.clients = clients;
	table.buffers = buffers;
	name_minors(&table);
	sort_buffers(&table);
	if (options->words[0])
		gpu = find_gpu(&table, options->words[0]);
	add_processes(&table);
	add_folders(&table);
	if (all) {
		add_buffers(&table);
		add_fences(&table);
	}
	if (options->json) {
		json_open('{');
		json_key("references");
		if (count < 0)
			json_null();
		else
			json_number((uint64_t)count);
		print_json(&table, gpu);
		json_close('}');
		json_end();
	} else {
		print_rows(&table, gpu);
		if (!gpu)
			print_end(&table, count, all);
	}
	fflush(stdout);
	if (!all)
		warnx("only root sees the handles, the fences, and other users' processes: try sudo vprimectl who");
	free_table(&table);
	holds_free(&holds);
	parse_free(clients);
	parse_free(buffers);
	free(client_text);
	free(buffer_text);
	return !all;
}
