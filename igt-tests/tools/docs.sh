#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# In a guest: run the commands of README and docs/, word for word, and see what the pages say they print.
#
# usage: docs [--list-subtests | --run-subtest NAME[,NAME]...]
#
# Speaks as IGT's programs do. A subtest is a page with commands that tools/check-docs says a guest runs. It starts with the
# module just loaded, and runs the page's commands in one shell, until one fails or prints other words.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

pages() {
	grep -l '^<!-- run: guest -->$' README.md docs/*.md
}

# docs/ci.md is the subtest "ci".
name_of() {
	basename "$1" .md | tr 'A-Z' 'a-z'
}

reload() {
	rmdir /sys/kernel/config/vprime/* 2>/dev/null
	rmmod vgem 2>/dev/null
	! [ -d /sys/module/vprime ] || rmmod vprime || return
	tools/vm/load-vprime
}

run_page() {
	reload && tools/check-docs --script "$1" >"$work/script" && [ -s "$work/script" ] || return
	# shellcheck disable=SC2016  # for the other shell
	work=$work sh -euc '
		# The command "$1" prints what is on the standard input, whatever its exit status. It stays in this shell.
		shows() {
			cat >"$work/expected"
			eval "$1" >"$work/printed" 2>"$work/errors" </dev/null || :
			for text in expected printed; do
				tr -s " \t\n" "\n" <"$work/$text" >"$work/$text.words"
			done
			diff -u "$work/expected.words" "$work/printed.words" || { cat "$work/errors"; exit 1; }
		}
		set -x
		. "$work/script"
	'
}

wanted=
case ${1:-} in
--list-subtests)
	for page in $(pages); do
		name_of "$page"
	done
	exit
	;;
--run-subtest) wanted=,$2, ;;
esac

status=0
for page in $(pages); do
	name=$(name_of "$page")
	case ${wanted:-,$name,} in
	*",$name,"*) ;;
	*) continue ;;
	esac
	echo "Starting subtest: $name"
	began=$(date +%s)
	if (run_page "$page") 2>&1; then
		verdict=SUCCESS
	else
		verdict=FAIL
		status=98
	fi
	echo "Subtest $name: $verdict ($(($(date +%s) - began)).000s)"
done
reload || status=98
exit $status
