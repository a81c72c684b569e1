/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sweeping faults: a call is made over and over, and each time another of the
 * allocations inside it fails, the first, the second, and so on, until it is
 * through without one having failed. A call that fails because of it must say
 * so with the right errno, leave nothing behind and nothing changed, and work
 * when it is made again.
 *
 * The kernel's fault injection does it (CONFIG_FAULT_INJECTION, its filter by the
 * stack, FAILSLAB and FAIL_PAGE_ALLOC), for this thread only. There are three
 * sweeps of each call:
 *
 *  - objects, and whole pages, which are asked for at other times in each run:
 *    one fails, by /proc/thread-self/fail-nth;
 *  - a drought: objects, of which so many bytes are to be had, and then no more.
 *    What is tried twice, as idr and xarray do, fails at last; and what takes a
 *    call back has to do without memory.
 *
 * With VPRIME_FAULT_VERBOSE=1 in the environment the kernel's log says which
 * fault comes next, for when the kernel dies of it; with 2 it has the stack of
 * each.
 *
 * What it does not reach: allocations of kernel threads, timers and interrupts
 * on the call's behalf, those with __GFP_NOFAIL, and what the kernel's debugging
 * allocates for itself.
 *
 *	static const struct vp_fault_op ops[] = {
 *		{ .name = "create", .what = "...", .call = create,
 *		  .undo = close_it, .least = 3 },
 *	};
 *
 *	igt_main
 *	{
 *		vp_fault_begin();
 *		vp_fault_subtests(ops, VP_ARRAY_SIZE(ops));
 *		vp_fault_end();
 *	}
 */
#ifndef VP_FAILSLAB_H
#define VP_FAILSLAB_H

#include <stdbool.h>
#include <stddef.h>

#define VP_FAULT_ERRNOS	4

/* What a call that failed may have changed, where its description says so. */

/* The buffer has got pages, or lost those it would have got anew. */
#define VP_FAULT_PAGES		(1u << 0)
/* Device mappings were made, or dropped to be made again. */
#define VP_FAULT_MAPPINGS	(1u << 1)
/* The buffer's dma_buf has been made; it goes with the handle. */
#define VP_FAULT_EXPORT		(1u << 2)
/* It is one that cannot fail, and none of its faults may make it. */
#define VP_FAULT_NEVER		(1u << 3)

/*
 * struct vp_fault_op - what is swept
 * @name: the subtest's name
 * @what: and its description
 * @begin, @end: once, around the sweeps
 * @prepare, @finish: around each call. What they do is not swept, and after
 *	@finish everything has to be as it was before @prepare.
 * @call: one system call, and nothing that makes another. Returns 0 or more, or
 *	a negative errno.
 * @verify: whether what a successful call has made is any good
 * @undo: a successful call
 * @least: so many faults must have made it fail, or the sweep is not one
 * @most: so many allocations may make it fail; 0 is any number
 * @every: one of so many faults is enough, once: for what takes long, or where
 *	another sweep has each of them; 0 is all, and some of them several times
 * @may: VP_FAULT_*
 * @errnos: which it may fail with beside ENOMEM; positive
 * @not_enomem: it may not fail with that
 * @within: a function of the kernel's: only allocations on its behalf fail
 * @spare: a function of the kernel's: those on its behalf do not, because the
 *	kernel does not stand it
 *
 * All but @name, @what and @call may be left out.
 */
struct vp_fault_op {
	const char *name;
	const char *what;
	void (*begin)(void);
	void (*prepare)(void);
	int (*call)(void);
	void (*verify)(void);
	void (*undo)(void);
	void (*finish)(void);
	void (*end)(void);
	unsigned int least;
	unsigned int most;
	unsigned int every;
	unsigned int may;
	int errnos[VP_FAULT_ERRNOS];
	bool not_enomem;
	const char *within;
	const char *spare;
};

/*
 * How it went: the faults that made the call fail, and the others; a drought
 * that begins later in the call is another one.
 */
struct vp_fault_result {
	unsigned int failed;
	unsigned int absorbed;
	/* Of those that failed, the allocations: no droughts, which meet them again. */
	unsigned int points;
};

/* Fixtures: skip where the kernel cannot do it; and put everything back. */
void vp_fault_begin(void);
void vp_fault_end(void);

/*
 * A subtest for each. Memory that was lost on the way is found by kmemleak, which
 * igt-tests/run asks at its end.
 */
void vp_fault_subtests(const struct vp_fault_op *ops, size_t count);

/* In a subtest: sweep one, and fail the subtest when something is wrong. */
void vp_fault_sweep(const struct vp_fault_op *op);
/*
 * The same for those who want to see it go wrong: what was wrong, or NULL. It
 * is left as it was then, between op->prepare() and op->finish().
 */
const char *vp_fault_try(const struct vp_fault_op *op,
			 struct vp_fault_result *result);

#endif /* VP_FAILSLAB_H */
