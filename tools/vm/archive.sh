# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's archive, whatever this machine's own release is: package lists of our own for each suite, kept in the
# cache, so that the machine's are neither needed nor touched. Sourced by scripts that have sourced lib.sh and set
# $log, a file for what apt prints.
# shellcheck shell=sh
# shellcheck disable=SC2154  # $cache and $log

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Where Debian's archive is, to $archive, and its security updates, to $security (may be empty): what
# VPRIME_DEBIAN_ARCHIVE says ("ARCHIVE [SECURITY]"), else what this machine's apt uses. Fails where apt knows none.
find_archive() {
	[ -z "${archive:-}" ] || return 0
	if [ -n "${VPRIME_DEBIAN_ARCHIVE:-}" ]; then
		archive=${VPRIME_DEBIAN_ARCHIVE%% *}
		security=
		case $VPRIME_DEBIAN_ARCHIVE in
		*" "*) security=${VPRIME_DEBIAN_ARCHIVE#* } ;;
		esac
		return
	fi
	# shellcheck disable=SC2016  # for apt to expand
	known=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' \
		"Created-By: Packages" 2>>"$log")
	archive=$(printf '%s\n' "$known" | sed -n 's/^Debian|Debian|main|//p' | head -n 1)
	security=$(printf '%s\n' "$known" | sed -n 's/^Debian|Debian-Security|main|//p' | head -n 1)
	[ -n "$archive" ]
}

# Whether a suite changes from day to day, its compiler and libraries as well as its kernels.
is_unreleased() {
	case $1 in
	forky | sid) ;;
	*) false ;;
	esac
}

# The suites behind "trixie" or "trixie-backports", as apt's sources.
sources_of() {
	codename=${1%-backports}
	signed="[signed-by=$keyring]"
	echo "deb $signed $archive $codename main"
	[ "$1" = "$codename" ] || echo "deb $signed $archive $1 main"
	# What is not released yet has its security updates in itself.
	is_unreleased "$codename" || [ -z "$security" ] || echo "deb $signed $security $codename-security main"
}

# suite_apt SUITE TOOL ARGUMENT...: apt-get or apt-cache with the lists of one suite only, "trixie" or
# "trixie-backports". The machine's packages are not in it.
suite_apt() {
	state=$cache/apt/$1
	# Of a suite and its backports, these are meant.
	case $1 in
	*-backports) target="-o APT::Default-Release=$1" ;;
	*) target= ;;
	esac
	tool=$2
	shift 2
	# shellcheck disable=SC2086  # two words or none
	# The sandbox user of apt cannot write into a private folder; root need not be sandboxed here.
	"$tool" -q -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::PreferencesParts=/dev/null -o Dir::Etc::Preferences=/dev/null \
		-o Dir::State::Lists="$state/lists" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
		-o APT::Sandbox::User="$(id -un)" $target "$@" </dev/null 2>>"$log"
}

# Read the lists of a suite; once in a run.
update_suite() {
	case " ${updated_suites:-} " in
	*" $1 "*) return 1 ;;
	esac
	updated_suites="${updated_suites:-} $1"
	state=$cache/apt/$1
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial" && : >>"$state/status" &&
		sources_of "$1" >"$state/sources.list" && suite_apt "$1" apt-get update >>"$log"
}

# Where the lists name what the archive no longer has, they are old: one update, and one more try.
with_suite() {
	suite=$1
	shift
	{ [ -e "$cache/apt/$suite/sources.list" ] && "$@"; } && return
	update_suite "$suite" && "$@"
}

# download_from SUITE PACKAGE...: into the folder one is in.
download_from() {
	suite=$1
	shift
	suite_apt "$suite" apt-get download "$@" >>"$log"
}

# The package of a suite that another one depends on and whose name begins so.
suite_dependency() {
	suite_apt "$1" apt-cache depends --important "$2" | sed -n "s/^ *|\{0,1\}Depends: \($3[^ ]*\)\$/\1/p" | head -n 1
}

# All that a kernel's package needs of the same build: from 7.0 on it is in several. Names of these have the version.
kernel_packages() {
	suite=$1
	shift
	wanted=
	while [ $# -gt 0 ]; do
		case " $wanted " in
		*" $1 "*) shift; continue ;;
		esac
		wanted="$wanted $1"
		# shellcheck disable=SC2046  # a list of names
		set -- "$@" $(suite_apt "$suite" apt-cache depends --important "$1" |
			sed -n '/-unsigned$/d;s/^ *|\{0,1\}\(Pre\)\{0,1\}Depends: \(linux-[a-z-]*-[0-9][^ ]*\)$/\2/p')
		shift
	done
	echo "$wanted"
}

# The kernels of a suite that its metapackages name, each flavour of the default kernel and of others, to $releases;
# and the packages with their headers to $packages. Those of a release are not its backports'.
# shellcheck disable=SC2046,SC2086  # lists of names
find_headers() {
	suite=$1
	releases=$(suite_apt "$suite" apt-cache pkgnames linux-headers- |
		grep -E '^linux-headers-([0-9]+\.[0-9]+-)?([a-z]+-)?amd64$') &&
		releases=$(suite_apt "$suite" apt-cache madison $(headers_below "$suite" $releases) |
			sed -n "s#^ *linux-headers-\([^ ]*\) .* $suite\(-security\)\{0,1\}/.*#\1#p" | sort -uV) &&
		packages=$(printf 'linux-headers-%s\n' $releases) &&
		packages="$packages $(headers_below "$suite" $packages)" && [ -n "$releases" ]
}

# The packages with headers, and their programs, that packages of a suite depend on.
headers_below() {
	suite=$1
	shift
	suite_apt "$suite" apt-cache depends --important "$@" |
		sed -n 's/^ *|\{0,1\}Depends: \(linux-\(headers\|kbuild\)-[^ ]*\)$/\1/p' | sort -u
}

# Headers are made for /usr/src: one Makefile includes another by its absolute path, and a newer one says where it
# is. Make that relative, and point the modules' build link into the folder $1, so that it works anywhere. They also
# name the compiler of their own release: where that is not installed, the machine's will do.
relocate_headers() {
	makefile=$1/usr/src/linux-headers-$2/Makefile
	# shellcheck disable=SC2016  # for make to expand
	sed -i 's|^KBUILD_OUTPUT=.*|KBUILD_OUTPUT := $(dir $(lastword $(MAKEFILE_LIST)))|
		s|^include /usr/src/|include $(dir $(lastword $(MAKEFILE_LIST)))../|' "$makefile" &&
		sed -i 's|^CC = .*)\(gcc-[0-9]*\)$|CC := x86_64-linux-gnu-$(if $(shell command -v x86_64-linux-gnu-\1),\1,gcc)|' \
			"${makefile%/*}/.kernelvariables" &&
		mkdir -p "$1/lib/modules/$2" &&
		ln -sfn "../../../usr/src/linux-headers-$2" "$1/lib/modules/$2/build" &&
		rm -f "$1/lib/modules/$2/source"
}

# The packages in the folder $1 to the folder $2, without documentation.
unpack_packages() {
	for package in "$1"/*.deb; do
		dpkg-deb -x "$package" "$2" || return 1
	done
	rm -rf "${2:?}/usr/share"
	# Distributions may move /lib below /usr; one place is enough for our scripts to know.
	if [ ! -d "$2/lib/modules" ] && [ -d "$2/usr/lib/modules" ]; then
		mkdir -p "$2/lib" && mv "$2/usr/lib/modules" "$2/lib/modules"
	fi
}
