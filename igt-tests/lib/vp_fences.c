// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <unistd.h>

#include "vp_fence.h"
#include "vp_fences.h"
#include "vp_igt.h"

#define PIECE		65536
#define POLL_MS		10

char *vp_fences_text(size_t piece)
{
	return vp_line_file(VP_FENCES_LIST, piece);
}

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	igt_assert(memory);
	return memory;
}

static void parse_timeline(char *at, struct vp_fences_timeline *timeline)
{
	timeline->id = vp_line_number(&at, "id");
	igt_assert_neq(timeline->id, 0);
	vp_line_name(&at, "device", timeline->device);
	vp_line_name(&at, "name", timeline->name);
	vp_line_name(&at, "kind", timeline->kind);
	vp_line_check("kind", timeline->kind, " ordered buffers sw_sync ");
	vp_line_name(&at, "process", timeline->process);
	timeline->pid = (int)vp_line_count(&at, "pid");
	timeline->made = vp_line_number(&at, "made");
	timeline->signaled = vp_line_number(&at, "signaled");
	timeline->pending = vp_line_count(&at, "pending");
	igt_assert_eq(*at, 0);
	/* A sw_sync program numbers its fences as it likes. */
	if (strcmp(timeline->kind, "sw_sync"))
		igt_assert_eq(timeline->signaled + timeline->pending, timeline->made);
}

static void parse_fence(char *at, struct vp_fences_fence *fence)
{
	fence->seqno = vp_line_number(&at, "seqno");
	fence->id = vp_line_number(&at, "id");
	vp_line_name(&at, "usage", fence->usage);
	vp_line_check("usage", fence->usage, " none read write ");
	fence->buffer = vp_line_number(&at, "buffer");
	fence->age_ms = vp_line_number(&at, "age_ms");
	fence->left_ms = vp_line_signed(&at, "left_ms", VP_FENCES_NONE);
	fence->deadline_ms = vp_line_signed(&at, "deadline_ms", VP_FENCES_NONE);
	fence->callbacks = vp_line_count(&at, "callbacks");
	igt_assert_eq(*at, 0);
	/* Its limit may have passed, but then the fence is not pending. */
	igt_assert(fence->left_ms >= 0 || fence->left_ms == VP_FENCES_NONE);
}

static void parse_waiter(char *at, struct vp_fences_waiter *waiter)
{
	vp_line_name(&at, "process", waiter->process);
	waiter->pid = (int)vp_line_count(&at, "pid");
	waiter->wait_ms = vp_line_number(&at, "wait_ms");
	igt_assert_eq(*at, 0);
}

/* What goes with the kind of its timeline, and the fences before it. */
static void check_fence(const struct vp_fences_fence *fence,
			const struct vp_fences_fence *before)
{
	bool buffers = !strcmp(fence->timeline->kind, "buffers");
	bool sw_sync = !strcmp(fence->timeline->kind, "sw_sync");

	/* One that is just being put on a buffer has none yet. */
	igt_assert(!fence->id || buffers);
	igt_assert_eq(fence->buffer != 0, buffers);
	if (buffers)
		igt_assert(!strcmp(fence->usage, fence->timeline->name));
	else
		igt_assert(!strcmp(fence->usage, "none"));
	igt_assert_eq(fence->left_ms == VP_FENCES_NONE, sw_sync);
	if (before && !sw_sync)
		igt_assert_lt(before->seqno, fence->seqno);
}

/* A waiter's line follows that of its fence. */
static const char *take_fence(const char *text,
			      const struct vp_fences_timeline *timeline,
			      const struct vp_fences_fence *before,
			      struct vp_fences_fence **made)
{
	struct vp_fences_fence *fence = allocate(sizeof(*fence));
	const struct vp_fences_waiter **end = &fence->waiter;
	char line[VP_LINE_LEN], *rest;
	const char *next;

	text = vp_line_take(text, line);
	igt_assert_f(vp_line_begins(line, "  fence ", &rest),
		     "no fence's line: %s\n", line);
	fence->timeline = timeline;
	parse_fence(rest, fence);
	check_fence(fence, before);
	while (*text == ' ') {
		struct vp_fences_waiter *waiter;

		next = vp_line_take(text, line);
		if (!vp_line_begins(line, "    waiter ", &rest))
			break;
		waiter = allocate(sizeof(*waiter));
		parse_waiter(rest, waiter);
		*end = waiter;
		end = &waiter->next;
		fence->n_waiter++;
		text = next;
	}
	*made = fence;
	return text;
}

static const char *take_timeline(const char *text,
				 struct vp_fences_timeline **made)
{
	struct vp_fences_timeline *timeline = allocate(sizeof(*timeline));
	const struct vp_fences_fence **end = &timeline->fence;
	struct vp_fences_fence *fence = NULL;
	char line[VP_LINE_LEN], *rest;
	unsigned int fences = 0;

	text = vp_line_take(text, line);
	igt_assert_f(vp_line_begins(line, "timeline ", &rest),
		     "no timeline's line: %s\n", line);
	parse_timeline(rest, timeline);
	while (*text == ' ') {
		text = take_fence(text, timeline, fence, &fence);
		*end = fence;
		end = &fence->next;
		fences++;
	}
	igt_assert_eq(fences, timeline->pending);
	*made = timeline;
	return text;
}

const struct vp_fences_timeline *vp_fences_parse(const char *text)
{
	const struct vp_fences_timeline *first = NULL, **end = &first;
	struct vp_fences_timeline *timeline;
	uint64_t id = 0;

	while (*text) {
		text = take_timeline(text, &timeline);
		/* In the order they were made in. */
		igt_assert_lt(id, timeline->id);
		id = timeline->id;
		*end = timeline;
		end = &timeline->next;
	}
	return first;
}

static void free_fence(const struct vp_fences_fence *fence)
{
	const struct vp_fences_waiter *waiter, *next;

	for (waiter = fence->waiter; waiter; waiter = next) {
		next = waiter->next;
		free((void *)waiter);
	}
	free((void *)fence);
}

void vp_fences_free(const struct vp_fences_timeline *list)
{
	while (list) {
		const struct vp_fences_timeline *next = list->next;
		const struct vp_fences_fence *fence, *after;

		for (fence = list->fence; fence; fence = after) {
			after = fence->next;
			free_fence(fence);
		}
		free((void *)list);
		list = next;
	}
}

const struct vp_fences_timeline *vp_fences(void)
{
	static const struct vp_fences_timeline *shown;
	char *text = vp_fences_text(PIECE);

	vp_fences_free(shown);
	shown = NULL;
	shown = vp_fences_parse(text);
	free(text);
	return shown;
}

const struct vp_fences_timeline *vp_fences_by_id(uint64_t id)
{
	const struct vp_fences_timeline *timeline = vp_fences();

	while (timeline && timeline->id != id)
		timeline = timeline->next;
	return timeline;
}

const struct vp_fences_timeline *vp_fences_named(const char *name, pid_t pid)
{
	const struct vp_fences_timeline *timeline, *found = NULL;

	for (timeline = vp_fences(); timeline; timeline = timeline->next)
		if (timeline->pid == pid && !strcmp(timeline->name, name))
			found = timeline;
	return found;
}

/* The fence of all that @is true for with the greatest age. */
static const struct vp_fences_fence *
oldest(bool (*is)(const struct vp_fences_fence *fence, uint64_t number),
       uint64_t number)
{
	const struct vp_fences_timeline *timeline;
	const struct vp_fences_fence *fence, *found = NULL;

	for (timeline = vp_fences(); timeline; timeline = timeline->next)
		for (fence = timeline->fence; fence; fence = fence->next)
			if (is(fence, number) &&
			    (!found || found->age_ms < fence->age_ms))
				found = fence;
	return found;
}

static bool is_on(const struct vp_fences_fence *fence, uint64_t buffer)
{
	return fence->buffer == buffer;
}

const struct vp_fences_fence *vp_fences_on(uint64_t buffer)
{
	igt_assert_neq(buffer, 0);
	return oldest(is_on, buffer);
}

static bool blocks(const struct vp_fences_fence *fence, uint64_t pid)
{
	const struct vp_fences_waiter *waiter;

	for (waiter = fence->waiter; waiter; waiter = waiter->next)
		if (waiter->pid == (int)pid)
			return true;
	return false;
}

const struct vp_fences_fence *vp_fences_blocking(pid_t pid)
{
	return oldest(blocks, (uint64_t)pid);
}

const struct vp_fences_fence *vp_fences_await(pid_t pid)
{
	const struct vp_fences_fence *fence = NULL;

	for (int ms = 0; ms < VP_PATIENCE_MS; ms += POLL_MS) {
		fence = vp_fences_blocking(pid);
		if (fence)
			break;
		usleep(POLL_MS * 1000);
	}
	igt_assert_f(fence, "process %d does not wait for any fence\n", pid);
	return fence;
}

unsigned int vp_fences_pending(void)
{
	const struct vp_fences_timeline *timeline;
	unsigned int pending = 0;

	for (timeline = vp_fences(); timeline; timeline = timeline->next)
		pending += timeline->pending;
	return pending;
}

const struct vp_fences_fence *
vp_fences_find(const struct vp_fences_timeline *timeline, uint64_t seqno)
{
	const struct vp_fences_fence *fence = timeline->fence;

	while (fence && fence->seqno != seqno)
		fence = fence->next;
	return fence;
}
