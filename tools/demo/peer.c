// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starting side B, listening to it, and not waiting for it for ever.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "demo.h"
#include "fail.h"
#include "peer.h"
#include "table.h"

#define LAST_WORDS_MS	1000
/* its libraries may have to come over a network, and Mesa compile on a busy machine */
#define START_S		60

/* side B while it runs, for stop_side_b() at exit */
static pid_t side_b_pid;

static void stop_side_b(void)
{
	if (!side_b_pid)
		return;
	kill(side_b_pid, SIGKILL);
	waitpid(side_b_pid, NULL, 0);
}

/* why side B is gone without having said so */
static void __attribute__((noreturn)) fail_for_side_b(void)
{
	pid_t pid = side_b_pid;
	int status;

	side_b_pid = 0;
	if (waitpid(pid, &status, 0) != pid)
		fail("process B is gone");
	if (WIFSIGNALED(status))
		fail("process B was killed by signal %d (%s)", WTERMSIG(status),
		     strsignal(WTERMSIG(status)));
	fail("process B left early, with exit code %d", WEXITSTATUS(status));
}

/* side B is this program again: it shares no memory and no file with this process */
void peer_start(struct peer *peer, uint32_t patience_s)
{
	pid_t parent = getpid();
	int ends[2], i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		fail("socket: %s", strerror(errno));
	side_b_pid = fork();
	if (side_b_pid < 0) {
		side_b_pid = 0;
		fail("fork: %s", strerror(errno));
	}
	if (!side_b_pid) {
		/* not to outlive side A, whatever happens to it */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		if (ends[1] == SIDE_B_SOCKET)
			fcntl(ends[1], F_SETFD, 0);
		else
			dup2(ends[1], SIDE_B_SOCKET);
		close_range(SIDE_B_SOCKET + 1, ~0u, 0);
		execl("/proc/self/exe", program_invocation_short_name, SIDE_B_ARGUMENT, NULL);
		_exit(127);
	}
	atexit(stop_side_b);
	close(ends[1]);
	*peer = (struct peer){ .socket = ends[0], .patience_s = patience_s };
	for (i = 0; i <= HANDOVERS; i++)
		peer->syncs[i] = -1;
}

int peer_pid(void)
{
	return side_b_pid;
}

static void take(struct peer *peer)
{
	struct message message;
	int fd, error = wire_receive(peer->socket, &message, &fd);

	if (error == -EPIPE)
		fail_for_side_b();
	if (error)
		fail("socket: %s", strerror(-error));
	if (message.kind == MESSAGE_FAILED)
		fail("%s", message.text);
	if (message.kind == MESSAGE_ROW)
		table_print(&message.row);
	if (message.kind == MESSAGE_FENCE) {
		peer->syncs[message.fence.handover] = fd;
		peer->made_ns[message.fence.handover] = message.fence.made_ns;
	}
	peer->heard |= 1u << message.kind;
}

void peer_send(struct peer *peer, const struct message *message, int fd)
{
	int error = wire_send(peer->socket, message, fd);

	/* it may have said why, and if not, take() comes to its end */
	while (error == -EPIPE || error == -ECONNRESET)
		take(peer);
	if (error)
		fail("socket: %s", strerror(-error));
}

/* Returns: false when time is up */
static bool take_until(struct peer *peer, uint64_t until_ns)
{
	struct pollfd word = { .fd = peer->socket, .events = POLLIN };
	uint64_t now;

	while ((now = clock_ns()) < until_ns) {
		if (poll(&word, 1, (int)((until_ns - now) / 1000000 + 1)) <= 0)
			continue;
		take(peer);
		return true;
	}
	return false;
}

/* the next message, whatever it is */
static void listen_to_side_b(struct peer *peer)
{
	uint32_t seconds = peer->patience_s;

	if (!(peer->heard & 1u << MESSAGE_READY) && seconds < START_S)
		seconds = START_S;
	if (!take_until(peer, clock_ns() + seconds * 1000000000ull))
		fail("process B has not said anything for %u s: patience is at an end", seconds);
}

void peer_hear(struct peer *peer, enum message_kind kind)
{
	while (!(peer->heard & 1u << kind))
		listen_to_side_b(peer);
}

int peer_sync(struct peer *peer, enum handover handover)
{
	int sync;

	while (peer->syncs[handover] < 0)
		listen_to_side_b(peer);
	sync = peer->syncs[handover];
	peer->syncs[handover] = -1;
	return sync;
}

void peer_drain(struct peer *peer)
{
	struct pollfd word = { .fd = peer->socket, .events = POLLIN };

	while (!(peer->heard & 1u << MESSAGE_DONE) && poll(&word, 1, 0) > 0)
		take(peer);
}

void peer_delay(struct peer *peer, uint32_t ms)
{
	uint64_t until_ns = clock_ns() + ms * 1000000ull;

	while (!(peer->heard & 1u << MESSAGE_EARLY))
		if (!take_until(peer, until_ns))
			break;
}

void peer_fail(struct peer *peer, const char *why)
{
	struct pollfd word = { .fd = peer->socket, .events = POLLIN };

	/*
	 * The fences of a process that ends get an error, and that may be heard
	 * of before the process's end. What it said before is in the socket.
	 */
	while (poll(&word, 1, LAST_WORDS_MS) > 0)
		take(peer);
	fail("%s", why);
}

void peer_end(struct peer *peer)
{
	int status;

	peer_hear(peer, MESSAGE_DONE);
	/* its end of the socket is closed when it ends */
	if (wait_poll(peer->socket, POLLIN, peer->patience_s * 1000))
		fail("process B was done, but does not end");
	if (waitpid(side_b_pid, &status, 0) != side_b_pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status)) {
		side_b_pid = 0;
		fail("process B was done, but did not end well");
	}
	side_b_pid = 0;
	close(peer->socket);
}
