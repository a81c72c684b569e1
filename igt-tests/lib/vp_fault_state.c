// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vp_failslab.h"
#include "vp_fault_state.h"
#include "vp_test.h"
#include "vp_watch.h"

#define FENCES_LIST	VP_WATCH_DIR "/fences"
/*
 * Fences go after a grace period, which takes its time in an emulated guest; and
 * before those that are left signal by themselves, after ten seconds. A guest that
 * stands still meanwhile still looks so many times.
 */
#define SETTLE_MS	5000
#define LOOKS		50
#define POLL_MS		5

/*
 * Everything that lists show has a line; what is in it may change by itself. A
 * timeline is listed once it has had a fence, so of those what is @below counts.
 */
static unsigned int lines(const char *path, bool below)
{
	char text[4096], last = '\n';
	unsigned int count = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
	while ((len = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < len; last = text[i++])
			count += last == '\n' && (!below || text[i] == ' ');
	igt_assert_eq(len, 0);
	close(fd);
	return count;
}

/* What the module makes while it is loaded. */
static unsigned int count_left(void)
{
	static const char *const paths[] = {
		"/sys/bus/platform/drivers/vprime",
		"/sys/bus/platform/devices/vprime0",
		"/sys/bus/platform/devices/vprime1",
		"/sys/module/vprime",
		VP_CONFIG_DIR,
		VP_WATCH_DIR,
	};
	unsigned int count = 0;

	for (size_t i = 0; i < VP_ARRAY_SIZE(paths); i++)
		count += !access(paths[i], F_OK);
	return count;
}

struct vp_fault_state vp_fault_look(void)
{
	struct vp_fault_state state = {};

	/* Without the module there is nothing; and nothing of it may be left. */
	if (vp_loaded()) {
		state.counts = vp_counts();
		state.violations = vp_violations();
		state.buffer_lines = lines(VP_WATCH_LIST, false);
		state.fence_lines = lines(FENCES_LIST, true);
	} else {
		state.left = count_left();
	}

	/* One that was reserved, and neither used nor given back, is not free. */
	state.fd = dup(STDOUT_FILENO);
	igt_assert_lte(0, state.fd);
	close(state.fd);
	return state;
}

static bool same(const struct vp_fault_state *want, unsigned int may,
		 struct vp_fault_state *have)
{
	*have = vp_fault_look();
	if (may & VP_FAULT_PAGES)
		have->counts.pages = want->counts.pages;
	if (may & VP_FAULT_MAPPINGS)
		have->counts.mappings = want->counts.mappings;
	if (may & VP_FAULT_EXPORT &&
	    have->counts.exports == want->counts.exports + 1)
		have->counts.exports = want->counts.exports;
	return !memcmp(&have->counts, &want->counts, sizeof(want->counts)) &&
	       have->violations == want->violations &&
	       have->buffer_lines == want->buffer_lines &&
	       have->fence_lines == want->fence_lines &&
	       have->left == want->left && have->fd == want->fd;
}

#define VP_TELL(what, have, want) \
	do { \
		if ((have) != (want) && len < size) \
			len += (size_t)snprintf(text + len, \
				size - len, " %s %ld for %ld,", \
				what, (long)(have), (long)(want)); \
	} while (0)

bool vp_fault_differs(const struct vp_fault_state *want, unsigned int may,
		      char *text, size_t size)
{
	struct vp_fault_state have;
	int64_t end = vp_in_ms(SETTLE_MS);
	size_t len = 0;

	for (int looks = 0; looks < LOOKS || vp_now_ns() < end; looks++) {
		if (same(want, may, &have))
			return false;
		usleep(POLL_MS * 1000);
	}
	text[0] = '\0';
	VP_TELL("buffers", have.counts.buffers, want->counts.buffers);
	VP_TELL("views", have.counts.views, want->counts.views);
	VP_TELL("attachments", have.counts.attachments,
		want->counts.attachments);
	VP_TELL("mappings", have.counts.mappings, want->counts.mappings);
	VP_TELL("pins", have.counts.pins, want->counts.pins);
	VP_TELL("vmaps", have.counts.vmaps, want->counts.vmaps);
	VP_TELL("exports", have.counts.exports, want->counts.exports);
	VP_TELL("imports", have.counts.imports, want->counts.imports);
	VP_TELL("pages", have.counts.pages, want->counts.pages);
	VP_TELL("timelines", have.counts.timelines, want->counts.timelines);
	VP_TELL("fences", have.counts.fences, want->counts.fences);
	VP_TELL("violations", have.violations, want->violations);
	VP_TELL("lines of buffers", have.buffer_lines, want->buffer_lines);
	VP_TELL("lines of fences", have.fence_lines, want->fence_lines);
	VP_TELL("files of the module's", have.left, want->left);
	VP_TELL("lowest descriptor", have.fd, want->fd);
	return true;
}
