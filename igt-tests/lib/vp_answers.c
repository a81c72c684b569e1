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

static const struct vp_difference *find(const struct vp_difference *known,
					size_t count, const char *question)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(question, known[i].question))
			return &known[i];
	return NULL;
}

void vp_compare_vgem_but(void (*ask)(struct vp_answers *to),
			 const struct vp_difference *known, size_t count)
{
	static struct vp_answers stock, ours;
	size_t different = 0, asked = 0;

	collect(VP_VGEM_STOCK, ask, &stock);
	collect(VP_VGEM_OURS, ask, &ours);
	for (unsigned int i = 0; i < stock.count && i < ours.count; i++) {
		struct answer *kernel = &stock.list[i], *is = &ours.list[i];
		const char *wanted = kernel->text;
		const struct vp_difference *but;

		igt_assert_f(!strcmp(is->question, kernel->question),
			     "ours was asked '%s', the kernel's '%s'\n",
			     is->question, kernel->question);
		but = find(known, count, is->question);
		if (but)
			asked++;
		/* A kernel whose vgem has changed may have come to ours. */
		if (but && !strcmp(kernel->text, but->stock))
			wanted = but->ours;
		if (strcmp(is->text, kernel->text))
			igt_info("%s: ours says '%s', the kernel's '%s'\n",
				 is->question, is->text, kernel->text);
		else
			igt_debug("%s: %s\n", is->question, is->text);
		if (strcmp(is->text, wanted)) {
			igt_info("%s: ours should say '%s'\n", is->question,
				 wanted);
			different++;
		}
	}
	igt_info("%u answers\n", stock.count);
	igt_assert_eq(different, 0);
	igt_assert_eq(asked, count);
	igt_assert_eq(ours.count, stock.count);
}

void vp_compare_vgem(void (*ask)(struct vp_answers *to))
{
	vp_compare_vgem_but(ask, NULL, 0);
}
