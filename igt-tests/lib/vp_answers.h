/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The answers that the two modules named vgem give to the same questions.
 *
 *	static void ask(struct vp_answers *to)
 *	{
 *		int fd = vp_vgem_open(VP_PRIMARY);
 *
 *		vp_say_number(to, some_call(fd), "some call");
 *		close(fd);
 *	}
 *
 *	vp_compare_vgem(ask);
 *
 * has the kernel's own vgem loaded, asks, has ours loaded, asks, and fails the
 * subtest when an answer differs, or one of them cannot be unloaded after it.
 */
#ifndef VP_ANSWERS_H
#define VP_ANSWERS_H

#include <stddef.h>
#include <stdio.h>

struct vp_answers;

void vp_compare_vgem(void (*ask)(struct vp_answers *to));

/*
 * The same, but where the kernel's gives these answers ours has another, as
 * listed. On a kernel whose vgem says something else, ours says that as well. A
 * known difference that is gone must not go unseen either.
 */
struct vp_difference {
	const char *question;
	const char *stock;
	const char *ours;
};

void vp_compare_vgem_but(void (*ask)(struct vp_answers *to),
			 const struct vp_difference *known, size_t count);

/* @text, or a number, was the answer to the question that @format makes. */
void vp_say(struct vp_answers *to, const char *text, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define vp_say_number(to, number, ...) \
	do { \
		char vp_text__[24]; \
		snprintf(vp_text__, sizeof(vp_text__), "%lld", \
			 (long long)(number)); \
		vp_say(to, vp_text__, __VA_ARGS__); \
	} while (0)

#endif /* VP_ANSWERS_H */
