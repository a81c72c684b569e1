# SPDX-License-Identifier: GPL-2.0-only
#
# Shared by the scripts of this folder: where things are, and how they speak.
# Sourced, not run; the sourcing script has set $top, the checkout.
# shellcheck shell=sh
# shellcheck disable=SC2034  # the variables are for the scripts that source this

cache="${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vprime"

# The kernels that everything is tested on, oldest first.
all_kernels="6.1 6.12 newest"

# Those that are built with our own configuration, tools/vm/NAME.config.
built_kernels="debug kcsan"

# The root file systems that a guest may run with. "host" is this machine's own.
all_worlds="host debian-13 debian-13-desktop"

# The kernels on which tests run real programs as well, and the world that has these.
desktop_kernels="6.12 newest"
desktop_world=debian-13-desktop

# The suites of Debian that have kernels, and the root file systems that the module is compiled in for them, which are
# called like a suite; the worlds of all_worlds are others.
all_suites="bookworm bookworm-backports trixie trixie-backports forky sid"
build_worlds="bookworm forky sid"

# The one that Debian's packages are made in, and smallest systems that they are tried in.
package_worlds="packaging bare-12 bare-13"

# The suite that has a kernel, or is a world, or the source of the kernels that we build.
suite_of() {
	case $1 in
	6.1 | 6.12) echo bookworm ;;
	newest | debug | kcsan) echo trixie-backports ;;
	packaging | bare-12) echo bookworm ;;
	debian-13* | bare-13) echo trixie ;;
	*) echo "$1" ;;
	esac
}

# The world that a kernel's guests run with, and that its modules are compiled in: what its headers bring along is
# linked with its release's libraries, which older ones do not have. Those of Debian 12 run anywhere.
world_of() {
	case $1 in
	newest) echo debian-13 ;;
	*) echo host ;;
	esac
}

# The same for all kernels of a suite, whatever this machine is.
world_of_suite() {
	case $1 in
	trixie*) echo debian-13 ;;
	*) echo "${1%-backports}" ;;
	esac
}

# The world that programs for a world are built in: a desktop has the compiler and the libraries of the one below it.
built_for() {
	echo "${1%-desktop}"
}

say() {
	printf 'vprime: %s\n' "$*" >&2
}

# die STATUS MESSAGE: one line that says what is wrong and what to do.
die() {
	status=$1
	shift
	say "$@"
	exit "$status"
}

# The release of a cached kernel ("6.1" -> "6.1.0-56-amd64"); fails when it is not in the cache.
kernel_release() {
	cat "$cache/kernel/$1/release" 2>/dev/null
}

# The root of a world ("debian-13"); fails when it is not in the cache.
world_root() {
	if [ "$1" = host ]; then echo /; return; fi
	(cd -- "$cache/world/$1" 2>/dev/null && pwd -P)
}

# Options of unshare(1) for a command that mounts folders for itself: as root, or as the root of a user namespace.
unshare_options() {
	echo --mount --propagation private
	[ "$(id -u)" = 0 ] || echo --user --map-root-user
}

need_mounts() {
	# shellcheck disable=SC2046  # words
	unshare $(unshare_options) true 2>/dev/null ||
		die 125 "a world takes mounts, as root or in a user namespace: run all of this as root, or allow the namespaces: sysctl kernel.unprivileged_userns_clone=1 (Debian), kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)"
}

# Whether a QEMU of the version $1, as it says it or its package, is older than 8.1. Such a one may keep what it
# has translated of code that the other processor was just changing, as a kernel does when it turns a tracepoint
# or a static key on or off. The guest then dies of a breakpoint that is no longer there: one in two did that
# turned tracepoints on and off for two minutes.
qemu_is_old() {
	version=${1#*:}
	[ "${version%%.*}" -lt 8 ] || case $version in 8.0 | 8.0.* | 8.0+*) ;; *) false ;; esac
}

# The QEMU that guests run in: the machine's, but where that is too old, which set-up looks to.
guest_qemu() {
	if [ -x "$cache/qemu/qemu-system-x86_64" ]; then
		echo "$cache/qemu/qemu-system-x86_64"
	else
		command -v qemu-system-x86_64
	fi
}

# Write "$@" so that a shell reads the same words back.
quote_words() {
	for word in "$@"; do
		printf "'"
		printf '%s' "$word" | sed "s/'/'\\\\''/g"
		printf "' "
	done
	printf '\n'
}
