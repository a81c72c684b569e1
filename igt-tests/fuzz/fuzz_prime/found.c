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

/*
 * Process 1 has to wait for a first fence. A second one comes meanwhile, and it
 * waits for that as well; but not for the third, which comes during that. The third
 * is put where the first was, so that the kernel's own wait does not see it either.
 */
#define WAITS_TWICE(mode) {						\
	"1 open proc=0 gpu=0 node=0",					\
	"2 create proc=0 file=1 bytes=4096 how=0",			\
	"3 export proc=0 file=1 handle=2 flags=3 how=0",		\
	"4 send proc=0 fd=3 to=1",					\
	"5 receive proc=1",						\
	"6 open proc=1 gpu=0 node=0",					\
	"7 import proc=1 file=6 fd=5",					\
	"8 timeline proc=0 file=1 how=0",				\
	"9 timeline proc=0 file=1 how=0",				\
	"10 timeline proc=0 file=1 how=0",				\
	"11 fence proc=0 file=1 timeline=8 how=0",			\
	"12 fence proc=0 file=1 timeline=9 how=0",			\
	"13 fence proc=0 file=1 timeline=10 how=0",			\
	"14 put-sync proc=0 fd=3 sync=11 flags=3",			\
	"15 block proc=1 file=6 handle=7 write=1 mode=" mode,		\
	"16 put-sync proc=0 fd=3 sync=12 flags=3",			\
	"17 timeline-signal proc=0 file=1 timeline=8 seqno=1 error=0 how=0",  \
	"18 put-sync proc=0 fd=3 sync=13 flags=3",			\
	"19 timeline-signal proc=0 file=1 timeline=9 seqno=1 error=0 how=0",  \
	"20 timeline-signal proc=0 file=1 timeline=10 seqno=1 error=0 how=0", \
	"21 peek proc=0 file=1 handle=2 offset=0 size=4096 how=0",	\
	NULL								\
}

static const char *const peek_waits_twice[] = WAITS_TWICE("1");
static const char *const poke_waits_twice[] = WAITS_TWICE("2");
static const char *const access_waits_twice[] = WAITS_TWICE("3");

/*
 * Process 1 waits for a fence of a file that nobody has any more: it is in the mail
 * for process 1. The fence is due; it was left to its limit before.
 */
static const char *const mail_for_who_waits[] = {
	"1 open proc=0 gpu=0 node=0",
	"2 create proc=0 file=1 bytes=4096 how=0",
	"3 export proc=0 file=1 handle=2 flags=2 how=0",
	"4 send proc=0 fd=3 to=1",
	"5 receive proc=1",
	"6 open proc=1 gpu=0 node=0",
	"7 import proc=1 file=6 fd=5",
	"8 attach proc=0 file=1 handle=2 write=1 how=0",
	"9 block proc=1 file=6 handle=7 write=1 mode=0",
	"10 send proc=0 fd=1 to=1",
	"11 close proc=0 fd=1",
	NULL
};

const struct fz_found fz_found[] = {
	{ "older-fence-stays", older_fence_stays, false },
	{ "peek-waits-twice", peek_waits_twice, false },
	{ "poke-waits-twice", poke_waits_twice, false },
	{ "access-waits-twice", access_waits_twice, false },
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
