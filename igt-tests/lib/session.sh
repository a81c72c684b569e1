# SPDX-License-Identifier: GPL-2.0-only
#
# What the sessions of igt-tests/programs have in common. Sourced by a script that an ordinary user runs in a guest of
# tools/vm/run; each is a compositor, or none, and its clients. How fast anything is matters only where a time limit ends a
# wait: five minutes for what is waited for, fifteen for a session, so that the next ones have time as well; and those of
# mutter's stream (mutter, screencast).
# shellcheck shell=sh
suite=programs
session=${0##*/}
log=${VPRIME_OUT:?is set in a guest of tools/vm/run only}/$session.log
. igt-tests/lib/try.sh
: >"$log"
work=$(mktemp -d) || exit 1
shot=$work/shot.png
# One list of GStreamer's plugins for all sessions: it takes a while to make.
export GST_REGISTRY="$HOME/gstreamer.registry"

session_ends=$(($(date +%s) + 900))

# await WORDS...: until the command succeeds, or for five minutes, or until the session's time is over.
await() {
	give_up=$(($(date +%s) + 300))
	[ $give_up -lt $session_ends ] || give_up=$session_ends
	until "$@"; do
		[ "$(date +%s)" -lt $give_up ] || return 1
		sleep 0.2
	done
}

# start WORDS...: in the background; its process to $started.
start() {
	"$@" >>"$log" 2>&1 &
	started=$!
}

# client WORDS...: in the background, until the subtest ends.
client() {
	"$@" &
	clients="$! ${clients:-}"
	# shellcheck disable=SC2064  # these processes
	trap "kill $clients; wait" EXIT
}

socket_is_there() {
	[ -S "$XDG_RUNTIME_DIR/$1" ]
}

bus_has() {
	busctl --user --acquired --no-legend list | grep -q "^$1 "
}

# end PROCESS: it is told to end; the status that it ends with to $status.
end() {
	kill "$1"
	await is_gone "$1" || kill -9 "$1"
	wait "$1"
	status=$?
}

# It may be left for us to wait for.
is_gone() {
	case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) in
	'' | Z*) ;;
	*) false ;;
	esac
}

# has COLOUR=PIXELS... [other=PIXELS]: take_picture's picture is of so many pixels of these colours.
has() {
	take_picture && picture_has "$shot" "$@"
}

picture_has() {
	picture=$1
	shift
	wanted=$*
	colours=
	for word; do
		case $word in
		other=*) ;;
		*) colours="$colours ${word%=*}" ;;
		esac
	done
	# shellcheck disable=SC2086  # words
	found=$(pixels "$picture" $colours)
	echo "wanted $wanted, found $found"
	[ "$found" = "$wanted" ]
}

# How many dma-bufs of vprime's the process has open.
dmabufs_of() {
	cat "/proc/$1/fdinfo"/* 2>/dev/null | grep -c '^exp_name:.*vprime'
}

# A picture with a dma-buf of a client's on the screen, as the compositor sees it.
# shows_dmabuf COMPOSITOR COLOUR=PIXELS...
shows_dmabuf() {
	compositor=$1
	shift
	await has "$@"
	[ "$(dmabufs_of "$compositor")" -gt "$without_clients" ]
}
