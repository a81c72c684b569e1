// SPDX-License-Identifier: GPL-2.0-only
/*
 * What model and kernel once disagreed about, in as few steps as show it. Each has
 * to go right from now on.
 */
#include <string.h>

#include "fuzz.h"
#include "vp_igt.h"

/*
 * A reader's fence is the first on the buffer, the line's first one comes second.
 * The reader's has signalled when the line's second one comes, so that takes its
 * place, and the line's first stays: the kernel does not look further. A sync_file
 * of the buffer then has both, and the error of the first.
 */
static const char *const older_fence_stays[] = {
	"1 open proc=0 gpu=0 node=0",
	"2 timeline proc=0 file=1 how=0",
	"3 create proc=0 file=1 bytes=4096 how=0",
	"4 export proc=0 file=1 handle=3 flags=2 how=0",
	"5 attach proc=0 file=1 handle=3 write=0 how=0",
	"6 fence proc=0 file=1 timeline=2 how=0",
	"7 put-sync proc=0 fd=4 sync=6 flags=3",
	"8 signal proc=0 file=1 fence=5 how=0",
	"9 fence proc=0 file=1 timeline=2 how=0",
	"10 put-sync proc=0 fd=4 sync=9 flags=3",
	"11 get-sync proc=0 fd=4 flags=1",
	"12 timeline-signal proc=0 file=1 timeline=2 seqno=1 error=5 how=0",
	"13 timeline-signal proc=0 file=1 timeline=2 seqno=2 error=0 how=0",
	"14 sync-info proc=0 fd=11",
	NULL
};

/* Process 1 has imported the buffer 2 of process 0, at the handle 7 of its file 6. */
#define SHARED								\
	"1 open proc=0 gpu=0 node=0",					\
	"2 create proc=0 file=1 bytes=4096 how=0",			\
	"3 export proc=0 file=1 handle=2 flags=3 how=0",		\
	"4 send proc=0 fd=3 to=1",					\
	"5 receive proc=1",						\
	"6 open proc=1 gpu=0 node=0",					\
	"7 import proc=1 file=6 fd=5"

/* And process 2, at the handle 11 of its file 8. */
#define SHARED_BY_THREE							\
	SHARED,								\
	"8 open proc=2 gpu=0 node=0",					\
	"9 send proc=0 fd=3 to=2",					\
	"10 receive proc=2",						\
	"11 import proc=2 file=8 fd=10"

/*
 * Process 1 has to wait for a first fence. A second one, which comes meanwhile, is
 * pending when the first one signals, and it goes on all the same; but for the
 * kernel's own wait at the begin of an access, which may see the second one.
 */
#define WAITS_FOR_NO_LATER_ONE(mode) {					\
	SHARED,								\
	"8 timeline proc=0 file=1 how=0",				\
	"9 timeline proc=0 file=1 how=0",				\
	"10 fence proc=0 file=1 timeline=8 how=0",			\
	"11 fence proc=0 file=1 timeline=9 how=0",			\
	"12 put-sync proc=0 fd=3 sync=10 flags=3",			\
	"13 block proc=1 file=6 handle=7 write=1 mode=" mode,		\
	"14 put-sync proc=0 fd=3 sync=11 flags=3",			\
	"15 timeline-signal proc=0 file=1 timeline=8 seqno=1 error=0 how=0",  \
	"16 timeline-signal proc=0 file=1 timeline=9 seqno=1 error=0 how=0",  \
	"17 peek proc=0 file=1 handle=2 offset=0 size=4096 how=0",	\
	NULL								\
}

static const char *const wait_for_no_later[] = WAITS_FOR_NO_LATER_ONE("0");
static const char *const peek_for_no_later[] = WAITS_FOR_NO_LATER_ONE("1");
static const char *const poke_for_no_later[] = WAITS_FOR_NO_LATER_ONE("2");
static const char *const access_for_no_later[] = WAITS_FOR_NO_LATER_ONE("3");

/*
 * A reader's fence is on the buffer, for which a GPU waits that is to write. It is
 * the first in the line: another reader's fence is refused, and a GPU that is to
 * read waits, which would not have to for the first one. When that signals, what is
 * read is what was written.
 */
static const char *const poke_not_overtaken[] = {
	SHARED_BY_THREE,
	"12 attach proc=0 file=1 handle=2 write=0 how=0",
	"13 block proc=1 file=6 handle=7 write=1 mode=2",
	"14 attach proc=0 file=1 handle=2 write=0 how=0",
	"15 wait proc=0 file=1 handle=2 write=0 how=0",
	"16 poll proc=0 fd=3 events=1",
	"17 block proc=2 file=8 handle=11 write=0 mode=1",
	"18 signal proc=0 file=1 fence=12 how=0",
	NULL
};

/* The same with a writer's fence, and a second GPU that writes before one reads. */
static const char *const pokes_in_line[] = {
	SHARED_BY_THREE,
	"12 attach proc=0 file=1 handle=2 write=1 how=0",
	"13 block proc=1 file=6 handle=7 write=1 mode=2",
	"14 block proc=2 file=8 handle=11 write=1 mode=2",
	"15 signal proc=0 file=1 fence=12 how=0",
	"16 peek proc=0 file=1 handle=2 offset=0 size=4096 how=0",
	NULL
};

/* The later one has the lower number: it is looked at first, and has to wait. */
static const char *const later_looked_at_first[] = {
	SHARED_BY_THREE,
	"12 attach proc=0 file=1 handle=2 write=1 how=0",
	"13 block proc=2 file=8 handle=11 write=1 mode=2",
	"14 block proc=1 file=6 handle=7 write=0 mode=1",
	"15 signal proc=0 file=1 fence=12 how=0",
	NULL
};

/* One that is to read is before one that is to write, and does not see that. */
static const char *const peek_not_overtaken[] = {
	SHARED_BY_THREE,
	"12 poke proc=0 file=1 handle=2 offset=0 size=4096 how=0",
	"13 attach proc=0 file=1 handle=2 write=1 how=0",
	"14 block proc=1 file=6 handle=7 write=0 mode=1",
	"15 block proc=2 file=8 handle=11 write=1 mode=2",
	"16 signal proc=0 file=1 fence=13 how=0",
	"17 peek proc=0 file=1 handle=2 offset=0 size=4096 how=0",
	NULL
};

/*
 * A process is killed while its GPU waits: the job is not done, its fence signals with
 * an error, and a wait for that fence alone ends.
 */
static const char *const killed_in_line[] = {
	SHARED_BY_THREE,
	"12 attach proc=0 file=1 handle=2 write=0 how=0",
	"13 block proc=1 file=6 handle=7 write=1 mode=2",
	"14 get-sync proc=0 fd=3 flags=1",
	"15 block proc=2 file=8 handle=11 write=0 mode=1",
	"16 kill proc=1",
	"17 sync-info proc=0 fd=14",
	"18 attach proc=0 file=1 handle=2 write=0 how=0",
	NULL
};

/*
 * A GPU is to write a buffer that is moved, or revoked, before it can: it does so, and
 * others wait for that. What comes after the revoke is refused at once.
 */
#define WHILE_WRITTEN(mode)						\
	SHARED_BY_THREE,						\
	"12 info proc=0 file=1 handle=2 how=0",				\
	"13 attach proc=0 file=1 handle=2 write=1 how=0",		\
	"14 block proc=1 file=6 handle=7 write=1 mode=2",		\
	"15 block proc=2 file=8 handle=11 write=1 mode=" mode

static const char *const moved_while_written[] = {
	WHILE_WRITTEN("4"),
	"16 signal proc=0 file=1 fence=13 how=0",
	"17 peek proc=0 file=1 handle=2 offset=0 size=4096 how=0",
	NULL
};

static const char *const revoked_while_written[] = {
	WHILE_WRITTEN("5"),
	"16 peek proc=0 file=1 handle=2 offset=0 size=4096 how=0",
	"17 access proc=0 fd=3 flags=3",
	"18 signal proc=0 file=1 fence=13 how=0",
	"19 info proc=0 file=1 handle=2 how=0",
	NULL
};

/*
 * The view that the buffer was made with has a mapping left and no handle: what is
 * imported to be read only is another one.
 */
static const char *const read_only_beside[] = {
	"1 open proc=0 gpu=0 node=0",
	"2 create proc=0 file=1 bytes=4096 how=0",
	"3 mmap proc=0 file=1 handle=2 pages=1 prot=1 how=0",
	"4 export proc=0 file=1 handle=2 flags=0 how=0",
	"5 gem-close proc=0 file=1 handle=2 how=0",
	"6 import proc=0 file=1 fd=4",
	"7 info proc=0 file=1 handle=6 how=0",
	"8 mmap proc=0 file=1 handle=6 pages=1 prot=0 how=0",
	"9 write proc=0 map=3 offset=0 size=4096",
	"10 check proc=0 map=8 offset=0 size=4096",
	"11 mprotect proc=0 map=8 prot=1",
	"12 counts proc=0",
	NULL
};

/*
 * Process 1 waits for a fence of a file that nobody has any more: it is in the mail
 * for process 1. The fence is due; it was left to its limit before.
 */
static const char *const mail_for_who_waits[] = {
	SHARED,
	"8 attach proc=0 file=1 handle=2 write=1 how=0",
	"9 block proc=1 file=6 handle=7 write=1 mode=0",
	"10 send proc=0 fd=1 to=1",
	"11 close proc=0 fd=1",
	NULL
};

const struct fz_found fz_found[] = {
	{ "older-fence-stays", older_fence_stays, false },
	{ "wait-for-no-later-one", wait_for_no_later, false },
	{ "peek-for-no-later-one", peek_for_no_later, false },
	{ "poke-for-no-later-one", poke_for_no_later, false },
	{ "access-for-no-later-one", access_for_no_later, false },
	{ "poke-not-overtaken", poke_not_overtaken, false },
	{ "pokes-in-line", pokes_in_line, false },
	{ "later-looked-at-first", later_looked_at_first, false },
	{ "peek-not-overtaken", peek_not_overtaken, false },
	{ "killed-in-line", killed_in_line, false },
	{ "moved-while-written", moved_while_written, false },
	{ "revoked-while-written", revoked_while_written, false },
	{ "read-only-beside", read_only_beside, false },
	{ "mail-for-who-waits", mail_for_who_waits, true },
};

const unsigned int fz_found_count = sizeof(fz_found) / sizeof(fz_found[0]);

/* So many drawn steps are enough to have what is due done. */
#define DRAWN	20
/* So much later all fences are due. */
#define LATER	100000

static void do_all(struct fz_run *run, const char *const *texts)
{
	struct fz_step step;

	for (; *texts && !run->failed; texts++) {
		igt_assert_f(fz_step_parse(*texts, &step), "no step: %s\n",
			     *texts);
		fz_do(run, &step);
		igt_assert_f(run->did || run->failed, "did nothing: %s\n",
			     *texts);
	}
}

static void do_what_is_due(struct fz_run *run)
{
	struct fz_random random = { run->options.seed };
	struct fz_step step;

	run->now += LATER;
	for (unsigned int i = 0; i < DRAWN && run->pending.n && !run->failed;
	     i++) {
		uint32_t id = run->now + 1;

		fz_draw(run, &random, &step);
		step.id = id;
		fz_do(run, &step);
	}
	if (run->pending.n)
		fz_fail(run, "%u fences that are due have not been signalled",
			run->pending.n);
}

bool fz_found_run(struct fz_run *run, const struct fz_options *options,
		  const struct fz_found *found)
{
	fz_start(run, options);
	do_all(run, found->steps);
	if (found->due)
		do_what_is_due(run);
	fz_check_counts(run);
	fz_end(run);
	return !run->failed;
}
