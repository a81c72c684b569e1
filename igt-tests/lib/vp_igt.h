/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vprime's tests use of the IGT library (libigt.so.0, IGT 1.27.1).
 *
 * Debian ships that library without headers, so the declarations here are our
 * own. The runner works with sigsetjmp(): a subtest that fails or skips jumps
 * back to the line its igt_subtest() stands on, so the macros have to expand
 * in the test's own frame and cannot be functions.
 *
 * A scenario goes into a function of its own, called from igt_subtest():
 * variables of a frame that is jumped back into would have to be volatile.
 */
#ifndef VP_IGT_H
#define VP_IGT_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct option;

/* The runner: command line, subtests, results. */
typedef int (*igt_opt_handler_t)(int opt, int opt_index, void *data);

extern jmp_buf igt_subtest_jmpbuf;
extern const char *__igt_test_description;

int igt_subtest_init_parse_opts(int *argc, char **argv, const char *short_opts,
				const struct option *long_opts,
				const char *help_str,
				igt_opt_handler_t handler, void *data);
bool __igt_run_subtest(const char *name, const char *file, const int line);
bool __igt_fixture(void);
void __igt_fixture_complete(void);
void igt_success(void);
void igt_exit(void) __attribute__((noreturn));
void igt_describe_f(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void igt_install_exit_handler(void (*fn)(int sig));

/* Ends of a subtest that are not success. */
void __igt_skip_check(const char *file, const int line, const char *func,
		      const char *check, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 5, 6)));
void __igt_fail_assert(const char *domain, const char *file, const int line,
		       const char *func, const char *assertion,
		       const char *fmt, ...)
	__attribute__((noreturn, format(printf, 6, 7)));

/* Children; one that fails makes igt_waitchildren() fail the subtest. */
bool __igt_fork(void);
int __igt_waitchildren(void);
void igt_waitchildren(void);
void igt_kill_children(int signal);

enum igt_log_level {
	IGT_LOG_DEBUG,
	IGT_LOG_INFO,
	IGT_LOG_WARN,
	IGT_LOG_CRITICAL,
};

void igt_log(const char *domain, enum igt_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Debug lines are printed only when the subtest fails. */
#define igt_debug(...)	igt_log(NULL, IGT_LOG_DEBUG, __VA_ARGS__)
#define igt_info(...)	igt_log(NULL, IGT_LOG_INFO, __VA_ARGS__)
#define igt_warn(...)	igt_log(NULL, IGT_LOG_WARN, __VA_ARGS__)

#define IGT_TEST_DESCRIPTION(text) \
	const char *__igt_test_description = text

#define igt_main \
	static void vp_test_main__(void); \
	int main(int argc, char **argv) \
	{ \
		igt_subtest_init_parse_opts(&argc, argv, NULL, NULL, NULL, \
					    NULL, NULL); \
		vp_test_main__(); \
		igt_exit(); \
	} \
	static void vp_test_main__(void)

/* What a handler of options returns. */
#define IGT_OPT_OK	0
#define IGT_OPT_ERROR	(-2)

/* The same for a program with options of its own. */
#define igt_main_args(short_opts, long_opts, help, handler, data) \
	static void vp_test_main__(void); \
	int main(int argc, char **argv) \
	{ \
		igt_subtest_init_parse_opts(&argc, argv, short_opts, \
					    long_opts, help, handler, data); \
		vp_test_main__(); \
		igt_exit(); \
	} \
	static void vp_test_main__(void)

#define igt_describe(text)	igt_describe_f("%s", text)

#define igt_subtest(name) \
	for (; __igt_run_subtest((name), __FILE__, __LINE__) && \
	       sigsetjmp(igt_subtest_jmpbuf, 1) == 0; igt_success())

#define igt_fork(child, count) \
	for (int child = 0; child < (count); child++) \
		for (; __igt_fork(); exit(0))

/* What surrounds the subtests; not run when they are only listed. */
#define igt_fixture \
	for (volatile int vp_fixture__ = 0; \
	     vp_fixture__ < 1 && __igt_fixture() && \
	     sigsetjmp(igt_subtest_jmpbuf, 1) == 0; \
	     vp_fixture__++, __igt_fixture_complete())

#define igt_assert_f(expr, ...) \
	do { \
		if (!(expr)) \
			__igt_fail_assert(NULL, __FILE__, __LINE__, __func__, \
					  #expr, __VA_ARGS__); \
	} while (0)

#define igt_assert(expr)	igt_assert_f(expr, NULL)

/* Both sides are compared as what they are, and printed as 64 bits. */
#define vp_assert_cmp__(a, op, b) \
	do { \
		__auto_type vp_a__ = (a); \
		__typeof__(vp_a__) vp_b__ = (__typeof__(vp_a__))(b); \
		if (!(vp_a__ op vp_b__)) \
			__igt_fail_assert(NULL, __FILE__, __LINE__, __func__, \
					  #a " " #op " " #b, \
					  "got %lld (%#llx), wanted " #op " %lld (%#llx)\n", \
					  (long long)vp_a__, (long long)vp_a__, \
					  (long long)vp_b__, (long long)vp_b__); \
	} while (0)

#define igt_assert_eq(a, b)	vp_assert_cmp__(a, ==, b)
#define igt_assert_neq(a, b)	vp_assert_cmp__(a, !=, b)
#define igt_assert_lte(a, b)	vp_assert_cmp__(a, <=, b)
#define igt_assert_lt(a, b)	vp_assert_cmp__(a, <, b)

#define igt_require_f(expr, ...) \
	do { \
		if (!(expr)) \
			__igt_skip_check(__FILE__, __LINE__, __func__, #expr, \
					 __VA_ARGS__); \
	} while (0)

#define igt_require(expr)	igt_require_f(expr, NULL)

#endif /* VP_IGT_H */
