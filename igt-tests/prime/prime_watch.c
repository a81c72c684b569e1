// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has which buffer: the list in debugfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_resident.h"
#include "vp_test.h"
#include "vp_vgem.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("The list of buffers and of who is at them");

#define SIZE	(4 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)
#define MANY	10000u

#define assert_word(word, wanted) \
	igt_assert_f(!strcmp(word, wanted), #word " is %s, not %s\n", word, \
		     wanted)

static void assert_attachment(uint64_t id, const char *device,
			      const char *lifetime, const char *mapped,
			      const char *direction)
{
	const struct vp_watch_attachment *attachment =
		vp_watch_attachment(id, device);

	igt_assert_f(attachment, "no line of %s\n", device);
	assert_word(attachment->lifetime, lifetime);
	assert_word(attachment->mapped, mapped);
	assert_word(attachment->direction, direction);
}

/* The part of the list that is a buffer's, for the reader of the log. */
static void show(uint64_t id)
{
	char *text = vp_watch_text(4096), start[40], *at, *end;

	snprintf(start, sizeof(start), "buffer id=%llu ",
		 (unsigned long long)id);
	at = strstr(text, start);
	igt_assert(at);
	for (end = strchr(at, '\n'); end[1] == ' ';)
		end = strchr(end + 1, '\n');
	igt_info("%.*s\n", (int)(end - at), at);
	free(text);
}

static void life(void)
{
	int gpu = vp_open(0), gpu1 = vp_open(1), vgem, dmabuf;
	uint32_t handle = vp_create(gpu, SIZE), handle1, word;
	uint64_t id = vp_id(gpu, handle);
	const struct vp_watch_buffer *buffer = vp_watch(id);
	char *map;
	bool maps;

	assert_word(buffer->exporter, "vprime0");
	assert_word(buffer->state, "live");
	igt_assert_eq(buffer->size, SIZE);
	igt_assert_eq(buffer->resident, 0);
	igt_assert(!buffer->foreign && !buffer->exported);
	igt_assert_eq(buffer->inode, 0);
	igt_assert_eq(buffer->attachments, 1);
	igt_assert_eq(buffer->mapped + buffer->pins + buffer->vmaps +
		      buffer->cpu_open + buffer->fences + buffer->violations,
		      0);
	assert_attachment(id, "vprime0", "movable", "no", "none");
	assert_word(vp_watch_attachment(id, "vprime0")->driver, "vprime");

	map = vp_map(gpu, handle, SIZE, RW);
	map[2 * VP_PAGE] = 1;
	vp_assert_resident(vp_watch(id)->resident, VP_PAGE, SIZE);
	igt_assert_eq(vp_watch(id)->resident, vp_info(gpu, handle).resident);

	dmabuf = vp_export(gpu, handle);
	igt_assert(vp_watch(id)->exported);
	igt_assert_eq(vp_watch(id)->inode, vp_dmabuf_id(dmabuf));
	handle1 = vp_import(gpu1, dmabuf);
	igt_assert_eq(vp_id(gpu1, handle1), id);
	igt_assert_eq(vp_watch(id)->attachments, 2);
	assert_attachment(id, "vprime1", "movable", "no", "none");

	vp_peek(gpu1, handle1, 0, &word, sizeof(word));
	igt_assert_eq(vp_watch(id)->mapped, 1);
	vp_assert_resident(vp_watch(id)->resident, 2 * VP_PAGE, SIZE);
	assert_attachment(id, "vprime0", "movable", "no", "none");
	assert_attachment(id, "vprime1", "movable", "yes", "bidirectional");
	show(id);

	/* A move takes the mapping down. */
	igt_assert_eq(vp_try_move(id), 0);
	igt_assert_eq(vp_watch(id)->mapped, 0);
	assert_attachment(id, "vprime1", "movable", "no", "none");
	igt_assert_eq(map[2 * VP_PAGE], 1);

	/* vgem cannot be told to let it move, if it maps what it imports. */
	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	maps = vp_vgem_maps_imports();
	vp_import(vgem, dmabuf);
	igt_assert_eq(vp_watch(id)->attachments, 3);
	igt_assert_eq(vp_watch(id)->mapped, maps);
	igt_assert_eq(vp_watch(id)->pins > 0, maps);
	assert_attachment(id, "vgem", "pinned", maps ? "yes" : "no",
			  maps ? "bidirectional" : "none");
	igt_assert_eq(vp_watch_attachment(id, "vgem")->pins > 0, maps);
	show(id);

	/* And all of it backwards. */
	close(vgem);
	igt_assert_eq(vp_watch(id)->attachments, 2);
	igt_assert_eq(vp_watch(id)->mapped, 0);
	igt_assert_eq(vp_watch(id)->pins, 0);
	igt_assert(!vp_watch_attachment(id, "vgem"));
	close(gpu1);
	igt_assert_eq(vp_watch(id)->attachments, 1);
	close(dmabuf);
	vp_close(gpu, handle);
	igt_assert(!vp_watch(id)->exported);
	igt_assert_eq(vp_watch(id)->inode, 0);
	igt_assert_eq(vp_watch(id)->attachments, 1);
	vp_unmap(map, SIZE);
	igt_assert(!vp_watch_listed(id));
	close(gpu);
}

static void revoked(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE), word = 1;
	uint64_t id = vp_id(gpu, handle);

	vp_poke(gpu, handle, 0, &word, sizeof(word));
	igt_assert_eq(vp_watch(id)->mapped, 1);
	igt_assert_eq(vp_try_revoke(id), 0);
	assert_word(vp_watch(id)->state, "revoked");
	igt_assert_eq(vp_watch(id)->mapped, 0);
	assert_attachment(id, "vprime0", "movable", "no", "none");
	igt_assert_eq(vp_info(gpu, handle).flags & DRM_VPRIME_INFO_REVOKED,
		      DRM_VPRIME_INFO_REVOKED);
	close(gpu);
	igt_assert(!vp_watch_listed(id));
}

static void foreign(void)
{
	int gpu = vp_open(0), gpu1 = vp_open(1), vgem, dmabuf;
	struct vp_dumb dumb;
	uint64_t id;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	dmabuf = vp_export(vgem, dumb.handle);
	id = vp_id(gpu, vp_import(gpu, dmabuf));
	igt_assert_eq(vp_id(gpu1, vp_import(gpu1, dmabuf)), id);

	igt_assert(vp_watch(id)->foreign);
	igt_assert(vp_watch(id)->exported);
	igt_assert_eq(vp_watch(id)->size, dumb.size);
	igt_assert_eq(vp_watch(id)->resident, 0);
	igt_assert_eq(vp_watch(id)->attachments, 2);
	igt_assert(vp_watch_attachment(id, "vprime0"));
	igt_assert(vp_watch_attachment(id, "vprime1"));
	show(id);
	close(gpu);
	igt_assert_eq(vp_watch(id)->attachments, 1);
	close(gpu1);
	igt_assert(!vp_watch_listed(id));
	close(dmabuf);
	close(vgem);
}

/* No number is given twice, and all GPUs have the same. */
static void ids(void)
{
	int gpu = vp_open(0), gpu1 = vp_open(1);
	uint64_t last = 0;

	for (int i = 0; i < 100; i++) {
		int maker = i & 1 ? gpu1 : gpu, other = i & 1 ? gpu : gpu1;
		uint32_t handle = vp_create(maker, SIZE);
		int dmabuf = vp_export(maker, handle);
		uint64_t id = vp_id(maker, handle);

		igt_assert_lt(last, id);
		last = id;
		igt_assert_eq(vp_id(other, vp_import(other, dmabuf)), id);
		vp_close(maker, handle);
		/* Out of the file's memory of handles, and in again. */
		handle = vp_import(maker, dmabuf);
		igt_assert_eq(vp_id(maker, handle), id);
		vp_close(maker, handle);
		vp_close(other, vp_import(other, dmabuf));
		close(dmabuf);
		igt_assert(!vp_watch_listed(id));
	}
	close(gpu);
	close(gpu1);
}

static const struct vp_watch_cpu *cpu_of(const struct vp_watch_buffer *buffer,
					 pid_t process)
{
	for (unsigned int i = 0; i < buffer->n_cpu; i++)
		if (buffer->cpu[i].pid == process)
			return &buffer->cpu[i];
	igt_assert_f(false, "no line of process %d\n", (int)process);
	return NULL;
}

static void cpu_lines(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	int dmabuf = vp_export(gpu, handle);
	uint64_t id = vp_id(gpu, handle);
	const struct vp_watch_buffer *buffer;
	pid_t reader, writer, both;
	unsigned int first;

	reader = vp_start_access("reader", dmabuf, DMA_BUF_SYNC_READ, 1);
	writer = vp_start_access("writer", dmabuf, DMA_BUF_SYNC_WRITE, 1);
	both = vp_start_access("read-and-write", dmabuf, DMA_BUF_SYNC_RW, 1);
	buffer = vp_watch(id);
	igt_assert_eq(buffer->cpu_open, 3);
	igt_assert_eq(buffer->n_cpu, 3);
	assert_word(cpu_of(buffer, reader)->access, "read");
	assert_word(cpu_of(buffer, reader)->process, "reader");
	assert_word(cpu_of(buffer, writer)->access, "write");
	assert_word(cpu_of(buffer, writer)->process, "writer");
	assert_word(cpu_of(buffer, both)->access, "read-write");
	assert_word(cpu_of(buffer, both)->process, "read-and-write");
	show(id);

	/* Its age goes on. */
	first = cpu_of(buffer, reader)->open_ms;
	igt_assert_lt(first, (unsigned int)VP_PATIENCE_MS);
	vp_await(first + 150 <= cpu_of(vp_watch(id), reader)->open_ms);
	vp_kill(reader);
	vp_kill(writer);
	vp_kill(both);
	igt_assert_eq(vp_watch(id)->n_cpu, 0);
	close(dmabuf);
	close(gpu);
}

static const struct vp_watch_fence *only_fence(uint64_t id)
{
	const struct vp_watch_buffer *buffer = vp_watch(id);

	igt_assert_eq(buffer->fences, 1);
	igt_assert_eq(buffer->n_fence, 1);
	return &buffer->fence[0];
}

static void assert_no_fence(uint64_t id)
{
	igt_assert_eq(vp_watch(id)->fences, 0);
	igt_assert_eq(vp_watch(id)->n_fence, 0);
}

static void fences(void)
{
	int gpu = vp_open(0), vgem;
	uint32_t handle = vp_create(gpu, SIZE), imported, fence[2];
	int dmabuf = vp_export(gpu, handle);
	uint64_t id = vp_id(gpu, handle);

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	imported = vp_import(vgem, dmabuf);
	assert_no_fence(id);

	fence[0] = vp_fence_attach(vgem, imported, true);
	assert_word(only_fence(id)->usage, "write");
	assert_word(only_fence(id)->driver, "vgem");
	assert_word(only_fence(id)->timeline, "unbound");
	igt_assert_eq(only_fence(id)->seqno, 1);
	show(id);
	/* One that has signalled is no longer anybody's concern. */
	vp_fence_signal(vgem, fence[0]);
	assert_no_fence(id);

	fence[0] = vp_fence_attach(vgem, imported, false);
	assert_word(only_fence(id)->usage, "read");
	fence[1] = vp_fence_attach(vgem, imported, false);
	igt_assert_eq(vp_watch(id)->fences, 2);
	igt_assert_eq(vp_watch(id)->n_fence, 2);
	vp_fence_signal(vgem, fence[0]);
	assert_word(only_fence(id)->usage, "read");
	vp_fence_signal(vgem, fence[1]);
	assert_no_fence(id);
	close(vgem);
	close(dmabuf);
	close(gpu);
}

/* Whatever a process calls itself, its line stays a line of four words. */
static void odd_names(void)
{
	static const struct {
		const char *name;
		const char *shown;
	} names[] = {
		{ "two words", "two_words" },
		{ " ", "_" },
		{ "line\nbuffer id=", "line_buffer_id=" },
		{ "tab\tand\rmore", "tab_and_more" },
		{ "\033[31mred", "_[31mred" },
		{ "g\303\266del", "g__del" },
		{ "pid=1", "pid=1" },
		{ "%s%n%d", "%s%n%d" },
		{ "\177\001\376", "___" },
	};
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	int dmabuf = vp_export(gpu, handle);
	uint64_t id = vp_id(gpu, handle);

	for (size_t i = 0; i < VP_ARRAY_SIZE(names); i++) {
		pid_t child = vp_start_access(names[i].name, dmabuf,
					      DMA_BUF_SYNC_READ, 1);

		/* The parser would stumble over it. */
		assert_word(cpu_of(vp_watch(id), child)->process,
			    names[i].shown);
		vp_kill(child);
	}
	close(dmabuf);
	close(gpu);
}

/* And its breach of a rule stays one line of the log. */
static void odd_name_in_log(void)
{
	int gpu = vp_open(0), log;
	uint32_t handle = vp_create(gpu, SIZE);
	int dmabuf = vp_export(gpu, handle);
	char words[40], line[VP_LOG_LINE];
	pid_t child;

	log = vp_log_open();
	child = vp_start_access("a\nvprime: lie", dmabuf, DMA_BUF_SYNC_READ, 1);
	vp_kill(child);
	igt_assert_eq(vp_watch(vp_id(gpu, handle))->cpu_open, 0);
	snprintf(words, sizeof(words), "[%d]", (int)child);
	igt_assert_eq(vp_log_lines(log, "begin-left-open", words, line), 1);
	igt_info("%s\n", line);
	igt_assert_eq(strncmp(line, "vprime: dma-buf contract: ", 26), 0);
	/* dmesg would begin a new line there, with what the process made up. */
	igt_assert(!strstr(line, "\\x0a"));
	close(log);
	close(dmabuf);
	close(gpu);
}

/* Whether each of @count buffers from @first on in @ids is there, once. */
static void assert_each_once(const char *text, const uint64_t *ids,
			     unsigned int count)
{
	static struct vp_watch_buffer buffer;
	unsigned int found = 0, others = 0;
	uint64_t last = 0;

	while ((text = vp_watch_next(text, &buffer))) {
		/* Oldest first. */
		igt_assert_lt(last, buffer.id);
		last = buffer.id;
		if (found < count && buffer.id == ids[found])
			found++;
		else
			others++;
	}
	igt_info("%u of ours, %u others\n", found, others);
	igt_assert_eq(found, count);
}

static uint64_t *create_many(int gpu, unsigned int count)
{
	uint64_t *ids = calloc(count, sizeof(*ids));

	igt_assert(ids);
	for (unsigned int i = 0; i < count; i++)
		ids[i] = vp_id(gpu, vp_create(gpu, VP_PAGE));
	return ids;
}

/* Older and newer ones come and go while the list is read. */
static void churn(int sock)
{
	int gpu = vp_open(1);
	uint32_t handles[64] = {}, *handle;
	char word;

	for (unsigned int i = 0;
	     recv(sock, &word, 1, MSG_DONTWAIT) != 1; i++) {
		handle = &handles[i % VP_ARRAY_SIZE(handles)];
		if (*handle)
			vp_close(gpu, *handle);
		*handle = vp_create(gpu, VP_PAGE);
		if (i == VP_ARRAY_SIZE(handles))
			vp_tell(sock, 'r');
	}
	close(gpu);
}

static void many(void)
{
	enum { CHURNERS = 2, READS = 5 };
	int gpu = vp_open(0), sock[2];
	uint64_t *ids;
	char *text;

	vp_socketpair(sock);
	igt_fork(child, CHURNERS)
		churn(sock[1]);
	for (int i = 0; i < CHURNERS; i++)
		igt_assert_eq(vp_hear(sock[0]), 'r');
	ids = create_many(gpu, MANY);
	for (int i = 0; i < READS; i++) {
		text = vp_watch_text(65536);
		assert_each_once(text, ids, MANY);
		free(text);
	}
	for (int i = 0; i < CHURNERS; i++)
		vp_tell(sock[0], 's');
	igt_waitchildren();
	free(ids);
	close(sock[0]);
	close(sock[1]);
	close(gpu);
}

/* Between two reads of one file, half of what it has shown goes. */
static void closed_while_read(void)
{
	enum { OLDER = 400, KEPT = 400 };
	int old = vp_open(1), gpu = vp_open(0), list, len = 0;
	uint64_t *older = create_many(old, OLDER), *ids;
	char *text = malloc(VP_MIB);
	ssize_t got;

	igt_assert(text);
	ids = create_many(gpu, KEPT);
	list = open(VP_WATCH_LIST, O_RDONLY | O_CLOEXEC);
	igt_assert_lte(0, list);
	while ((got = read(list, text + len, 4096)) > 0) {
		/* Somewhere in the middle of ours. */
		if (len < 128000 && len + got >= 128000)
			close(old);
		len += (int)got;
		igt_assert_lt(len + 4096, (int)VP_MIB);
	}
	igt_assert_eq(got, 0);
	text[len] = 0;
	igt_assert_lt(128000, len);
	igt_assert(!vp_watch_listed(older[0]));
	/* Nothing was left out, and nothing is there twice. */
	for (int i = 0; i < KEPT; i++) {
		char start[40], *at;

		snprintf(start, sizeof(start), "buffer id=%llu ",
			 (unsigned long long)ids[i]);
		at = strstr(text, start);
		igt_assert_f(at, "%snot listed\n", start);
		igt_assert_f(!strstr(at + 1, start), "%slisted twice\n", start);
	}
	free(older);
	free(ids);
	free(text);
	close(list);
	close(gpu);
}

static void small_pieces(void)
{
	static const size_t pieces[] = { 100, 1, 4096, 65536 };
	int gpu = vp_open(0);
	uint64_t *ids = create_many(gpu, 300);
	char *whole = vp_watch_text(VP_MIB), *text;

	assert_each_once(whole, ids, 300);
	for (size_t i = 0; i < VP_ARRAY_SIZE(pieces); i++) {
		text = vp_watch_text(pieces[i]);
		igt_assert_eq(strlen(text), strlen(whole));
		igt_assert(!strcmp(text, whole));
		free(text);
	}
	free(whole);
	free(ids);
	close(gpu);
}

#define LOAD_MS	3000

static bool time_is_up(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 +
	       (now.tv_nsec - since->tv_nsec) / 1000000 > LOAD_MS;
}

/* Done, or the buffer was revoked under it. */
static void assert_done(int ret)
{
	igt_assert_f(!ret || ret == -ENODEV, "%s\n", strerror(-ret));
}

static void use_buffers(const struct timespec *since)
{
	const uint64_t access = DMA_BUF_SYNC_RW;
	int maker = vp_open(0), user = vp_open(1), dmabuf;
	uint32_t made, imported, word = 1;
	unsigned int rounds;
	int ret;

	for (rounds = 0; !time_is_up(since); rounds++) {
		/* It is listed, and can be revoked, before there is a handle. */
		ret = vp_try_create(maker, SIZE, 0, &made);
		assert_done(ret);
		if (ret)
			continue;
		dmabuf = vp_export(maker, made);
		if (!vp_try_import(user, dmabuf, &imported)) {
			assert_done(vp_try_poke(maker, made, 0, &word, 4));
			assert_done(vp_try_peek(user, imported, 0, &word, 4));
			vp_close(user, imported);
		}
		ret = vp_try_sync(dmabuf, DMA_BUF_SYNC_START | access);
		assert_done(ret);
		if (!ret)
			vp_sync_end(dmabuf, access);
		vp_close(maker, made);
		close(dmabuf);
	}
	igt_info("%u buffers used\n", rounds);
	close(maker);
	close(user);
}

/* Move whatever there is, and revoke some of it. */
static void disturb_buffers(const struct timespec *since)
{
	static struct vp_watch_buffer buffer;
	unsigned int moved = 0, revoked = 0, i = 0;

	while (!time_is_up(since)) {
		char *text = vp_watch_text(4096);
		const char *rest = text;

		while ((rest = vp_watch_next(rest, &buffer))) {
			int ret = ++i % 5 ? vp_try_move(buffer.id) :
					    vp_try_revoke(buffer.id);

			/* Gone since it was listed, or revoked before. */
			igt_assert_f(!ret || ret == -ENOENT || ret == -ENODEV,
				     "%s\n", strerror(-ret));
			moved += !ret && i % 5;
			revoked += !ret && !(i % 5);
		}
		free(text);
	}
	igt_info("%u moved, %u revoked\n", moved, revoked);
}

static void under_load(void)
{
	static struct vp_watch_buffer buffer;
	unsigned int lists = 0, buffers = 0;
	struct timespec since;

	clock_gettime(CLOCK_MONOTONIC, &since);
	igt_fork(child, 2)
		use_buffers(&since);
	igt_fork(child, 1)
		disturb_buffers(&since);
	for (; !time_is_up(&since); lists++) {
		char *text = vp_watch_text(lists % 2 ? 100 : 65536);
		const char *rest = text;

		while ((rest = vp_watch_next(rest, &buffer)))
			buffers++;
		free(text);
	}
	igt_waitchildren();
	igt_info("%u lists of %u buffers\n", lists, buffers);
}

static void assert_file(const char *name, mode_t mode)
{
	char path[120];
	struct stat st;
	int status;
	pid_t child;

	snprintf(path, sizeof(path), VP_WATCH_DIR "/%s", name);
	igt_assert_eq(stat(path, &st), 0);
	igt_assert_eq(st.st_mode & 07777, mode);
	igt_assert_eq(st.st_uid, 0);
	child = fork();
	igt_assert_lte(0, child);
	if (!child) {
		int flags = mode & 0200 ? O_WRONLY : O_RDONLY;

		if (setgid(65534) || setuid(65534))
			_exit(1);
		_exit(open(path, flags) >= 0 ? 2 : errno != EACCES);
	}
	igt_assert_eq(waitpid(child, &status, 0), child);
	igt_assert_eq(status, 0);
}

static void root_only(void)
{
	assert_file("counts", 0400);
	assert_file("violations", 0400);
	assert_file("buffers", 0400);
	assert_file("move", 0200);
	assert_file("revoke", 0200);
}

igt_main
{
	igt_describe("A buffer's line from its creation to its end");
	vp_subtest("life")
		life();

	igt_describe("A revoked buffer is listed as such");
	vp_subtest("revoked")
		revoked();

	igt_describe("A buffer of another driver is listed while a GPU has it");
	vp_subtest("foreign")
		foreign();

	igt_describe("A buffer's number is the same everywhere, and never given again");
	vp_subtest("ids")
		ids();

	igt_describe("Each process that has begun CPU access has a line, with its name and for how long");
	vp_subtest("cpu-lines")
		cpu_lines();

	igt_describe("Fences that have not signalled, by their names and what they are for");
	vp_subtest("fences")
		fences();

	igt_describe("Names of processes with blanks, newlines and worse do not break the list");
	vp_subtest("odd-names")
		odd_names();

	igt_describe("Nor do they make lines of their own in the log");
	vp_subtest("odd-name-in-log")
		odd_name_in_log();

	igt_describe("10,000 buffers are listed once each, while others come and go");
	vp_subtest("many")
		many();

	igt_describe("Buffers that go while the list is read hide and double none of those behind them");
	vp_subtest("closed-while-read")
		closed_while_read();

	igt_describe("Reading a byte, or a hundred, at a time gives the same list");
	vp_subtest("small-pieces")
		small_pieces();

	igt_describe("The list is read while buffers are made, used, moved, revoked and closed");
	vp_subtest("under-load")
		under_load();

	igt_describe("Only root can read the list, or move and revoke");
	vp_subtest("root-only")
		root_only();

	igt_fixture
		vp_unload_foreign("vgem");
}
