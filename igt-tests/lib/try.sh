# SPDX-License-Identifier: GPL-2.0-only
#
# Subtests that are commands: lines and results as those of igt-tests/run. Sourced by a script that has set $suite, the
# name before the @, and $log, a file for what the commands print.
# shellcheck shell=sh
# shellcheck disable=SC2154  # the two
results=${VPRIME_OUT:?is set in a guest of tools/vm/run only}/results.txt

# try NAME WORDS...: the command, or function, must succeed; 77 means that this world does not have what it takes.
try() {
	name=$1
	shift
	began=$(date +%s)
	echo "== $name: $*" >>"$log"
	(set -e; "$@") >>"$log" 2>&1
	case $? in
	0) verdict=pass word=PASS ;;
	77) verdict=skip word=SKIP ;;
	*) verdict=fail word=FAIL ;;
	esac
	echo "$verdict $suite@$name $(($(date +%s) - began))" >>"$results"
	echo "$word $suite@$name  $(($(date +%s) - began))s"
	[ $verdict != fail ] || sed -n "/^== $name: /,\$p" "$log" | tail -n 30 | sed 's/^/    | /'
}
