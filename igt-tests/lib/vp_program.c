// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE	/* close_range, pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vp_fence.h"
#include "vp_igt.h"
#include "vp_process.h"
#include "vp_program.h"

/* Programs lie in the folder above the tests'. */
static void path_of(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	igt_assert_lt((ssize_t)0, length);
	self[length] = '\0';
	igt_assert(snprintf(path, PATH_MAX, "%s/../%s", dirname(self), name) <
		   PATH_MAX);
}

/* Opened first: @before may take away the right to walk to it. */
static _Noreturn void become(const char *path, void (*before)(void),
			     const char *const arguments[])
{
	int fd;

	close_range(3, ~0u, 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (before)
		before();
	fexecve(fd, (char *const *)arguments, environ);
	_exit(127);
}

struct vp_program vp_start(void (*before)(void), const char *const arguments[])
{
	struct vp_program program;
	char path[PATH_MAX];
	int out[2], err[2];

	path_of(arguments[0], path);
	igt_assert_eq(pipe2(out, O_CLOEXEC), 0);
	igt_assert_eq(pipe2(err, O_CLOEXEC), 0);
	program.pid = fork();
	igt_assert_lte(0, program.pid);
	if (!program.pid) {
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		become(path, before, arguments);
	}
	vp_started(program.pid);
	close(out[1]);
	close(err[1]);
	program.out = out[0];
	program.err = err[0];
	return program;
}

bool vp_next_line(struct vp_program *program, char *line, size_t size)
{
	struct pollfd ready = { .fd = program->out, .events = POLLIN };
	size_t length = 0;

	for (;;) {
		igt_assert_f(poll(&ready, 1, VP_PATIENCE_MS) == 1,
			     "no line has come\n");
		igt_assert_lt(length, size);
		if (read(program->out, line + length, 1) != 1) {
			igt_assert_eq(length, 0);
			return false;
		}
		if (line[length] == '\n')
			break;
		length++;
	}
	line[length] = '\0';
	return true;
}

struct text {
	int fd;
	char *text;
	size_t size;
};

/* Returns whether there may be more. */
static bool gather(struct text *text)
{
	ssize_t got;

	text->text = realloc(text->text, text->size + 65536);
	igt_assert(text->text);
	got = read(text->fd, text->text + text->size, 65535);
	igt_assert_lte((ssize_t)0, got);
	text->size += (size_t)got;
	text->text[text->size] = '\0';
	igt_assert_eq(strlen(text->text), text->size);
	return got;
}

static int end_of(pid_t pid)
{
	int status;

	igt_assert_eq(waitpid(pid, &status, 0), pid);
	vp_ended(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct vp_ran vp_finish(struct vp_program *program)
{
	struct text texts[] = { { .fd = program->out }, { .fd = program->err } };
	int left = 2;

	while (left) {
		struct pollfd ready[] = {
			{ .fd = texts[0].fd, .events = POLLIN },
			{ .fd = texts[1].fd, .events = POLLIN },
		};

		igt_assert_f(poll(ready, 2, VP_PATIENCE_MS),
			     "no end has come\n");
		for (int i = 0; i < 2; i++) {
			if (!ready[i].revents || gather(&texts[i]))
				continue;
			close(texts[i].fd);
			texts[i].fd = -1;
			left--;
		}
	}
	return (struct vp_ran){
		.status = end_of(program->pid),
		.out = texts[0].text,
		.err = texts[1].text,
	};
}

struct vp_ran vp_run(void (*before)(void), const char *const arguments[])
{
	struct vp_program program = vp_start(before, arguments);

	return vp_finish(&program);
}

void vp_ran_free(struct vp_ran *ran)
{
	free(ran->out);
	free(ran->err);
}

void vp_assert_refuses(struct vp_ran *ran, int status, const char *why)
{
	char *end = strchr(ran->err, '\n');

	igt_assert_f(ran->status == status, "exit status %d: %s\n",
		     ran->status, ran->err);
	igt_assert_f(!*ran->out, "printed: %s\n", ran->out);
	igt_assert_f(strstr(ran->err, why), "said: %s\n", ran->err);
	igt_assert_f(end && !end[1], "more than a line: %s\n", ran->err);
	vp_ran_free(ran);
}
