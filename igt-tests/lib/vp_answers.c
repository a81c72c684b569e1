// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <string.h>

#include "vp_answers.h"
#include "vp_igt.h"
#include "vp_vgem.h"

#define MAX_ANSWERS	1200

struct answer {
	char question[96];
	char text[96];
};

struct vp_answers {
	unsigned int count;
	struct answer list[MAX_ANSWERS];
};

void vp_say(struct vp_answers *to, const char *text, const char *format, ...)
{
	struct answer *answer = &to->list[to->count];
	va_list list;

	igt_assert_lt(to->count, MAX_ANSWERS);
	to->count++;
	va_start(list, format);
	vsnprintf(answer->question, sizeof(answer->question), format, list);
	va_end(list);
	snprintf(answer->text, sizeof(answer->text), "%s", text);
}

static void collect(enum vp_vgem which, void (*ask)(struct vp_answers *to),
		    struct vp_answers *to)
{
	to->count = 0;
	vp_vgem_load(which);
	ask(to);
	vp_vgem_unload();
	igt_assert_lt(0u, to->count);
}

static bool is_known(const struct answer *stock, const struct answer *ours,
		     const struct vp_difference *known, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(stock->question, known[i].question))
			return !strcmp(stock->text, known[i].stock) &&
			       !strcmp(ours->text, known[i].ours);
	return false;
}

void vp_compare_vgem_but(void (*ask)(struct vp_answers *to),
			 const struct vp_difference *known, size_t count)
{
	static struct vp_answers stock, ours;
	size_t different = 0, expected = 0;

	collect(VP_VGEM_STOCK, ask, &stock);
	collect(VP_VGEM_OURS, ask, &ours);
	for (unsigned int i = 0; i < stock.count && i < ours.count; i++) {
		struct answer *wanted = &stock.list[i], *is = &ours.list[i];

		igt_assert_f(!strcmp(is->question, wanted->question),
			     "ours was asked '%s', the kernel's '%s'\n",
			     is->question, wanted->question);
		if (!strcmp(is->text, wanted->text)) {
			igt_debug("%s: %s\n", is->question, is->text);
			continue;
		}
		igt_info("%s: ours says '%s', the kernel's '%s'\n",
			 is->question, is->text, wanted->text);
		if (is_known(wanted, is, known, count))
			expected++;
		else
			different++;
	}
	igt_info("%u answers\n", stock.count);
	igt_assert_eq(different, 0);
	igt_assert_eq(expected, count);
	igt_assert_eq(ours.count, stock.count);
}

void vp_compare_vgem(void (*ask)(struct vp_answers *to))
{
	vp_compare_vgem_but(ask, NULL, 0);
}
