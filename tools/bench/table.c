// SPDX-License-Identifier: GPL-2.0-only
/*
 * The figures as a table.
 */
#include <stdio.h>
#include <sys/utsname.h>

#include "table.h"

/* as many decimals as mean anything */
static const char *microseconds(double us, char text[16])
{
	if (us <= 0)
		snprintf(text, 16, "-");
	else
		snprintf(text, 16, "%.*f", us < 100 ? 2 : us < 10000 ? 1 : 0, us);
	return text;
}

/* what the ratio is to, where it is not to vgem */
static const char *to(const struct row *row)
{
	switch (row->against) {
	case AGAINST_ANONYMOUS:
		return "anonymous";
	case AGAINST_FOREIGN:
		return "by vgem";
	case AGAINST_COPY:
		return "copying";
	case AGAINST_KERNEL:
		return "foreign";
	case AGAINST_ALONE:
		return "alone";
	case AGAINST_EARLIER:
		return "no. 1,000";
	case AGAINST_EMPTY:
		return "no others";
	case AGAINST_FUTEX:
		return "futex";
	default:
		return "";
	}
}

void table_head(const struct method *method)
{
	printf("%-40s %10s %10s %10s %-9s %7s %7s  %s\n", method->counted ?
	       "operation, in 1,000 instructions" : "operation, in microseconds", "vgem",
	       "vprime", "other", "", "ratio", "target", "met");
	fflush(stdout);
}

void table_row(const struct row *row, const struct result *result)
{
	char vgem[16], vprime[16], other[16];

	printf("%-40s %10s %10s %10s %-9s %7.3f %7s  %s\n", row->name,
	       microseconds(result->vgem, vgem), microseconds(result->vprime, vprime),
	       microseconds(result->other, other), to(row), result->ratio, row->target,
	       result->met ? "yes" : "NO");
	fflush(stdout);
}

void table_memory(const struct memory_result *vgem, const struct memory_result *vprime)
{
	printf("\n%-40s %10s %10s %31s\n", "kernel memory, bytes per live buffer", "vgem", "vprime",
	       "ratio");
	printf("%-40s %10.0f %10.0f %31.3f\n", "4 KiB, never touched", vgem->untouched,
	       vprime->untouched, vprime->untouched / vgem->untouched);
	printf("%-40s %10.0f %10.0f %31.3f\n", "4 KiB, touched (without its page)", vgem->touched,
	       vprime->touched, vprime->touched / vgem->touched);
	fflush(stdout);
}

void table_gain(const struct result *gain)
{
	printf("\n%-40s %10s %10s %28s %7s  %s\n", "two processes at once, in times of one",
	       "vgem", "vprime", "ratio", "target", "met");
	printf("%-40s %10.2f %10.2f %28.3f %7s  %s\n", "create + export + close all", gain->vgem,
	       gain->vprime, gain->ratio, GAIN_TARGET, gain->met ? "yes" : "NO");
	fflush(stdout);
}

static void counted_foot(const char *release, unsigned int rounds)
{
	printf("\n"
	       "Linux %s, on one emulated processor. Each figure is the median of %u rounds of\n"
	       "100,000,000 instructions; what the kernel does in between is among them. The ratio is\n"
	       "vprime to vgem. It meets its target when it does so rounded to the target's decimals.\n"
	       "Buffers are dumb buffers of the primary nodes. vgem has no other GPU: it imports its\n"
	       "own buffer in another file.\n", release, rounds);
}

static void timed_foot(const char *release, unsigned int rounds)
{
	printf("\n"
	       "Linux %s. Each figure is the best of %u rounds of some 8 ms or one\n"
	       "operation; in each round the columns take turns, each when what the one before it\n"
	       "freed is gone. The ratio is vprime to vgem, or to what stands under \"other\". It\n"
	       "meets its target when it does so rounded to the target's decimals. Buffers are dumb\n"
	       "buffers of the primary nodes. \"No others\" is on a buffer that has no other fences;\n"
	       "vgem has the 1,000 there too, for comparison. A process waits in GEM_WAIT, or on a\n"
	       "futex; these are medians of %u each. Giving memory back is not in the time of the\n"
	       "touching rows. Anonymous memory is aligned to huge pages and advised to use them.\n"
	       "\"By vgem\" is vgem importing vprime's buffer, and that maps too, but not in Linux 7.x.\n"
	       "\"Copying\" is making another buffer and copying the pages there. After a move all\n"
	       "importers map again.\n"
	       "Attaching is measured inside the kernel, \"foreign\" through the kernel's own dma-buf.\n"
	       "Buffers 1,000 and 100,000: means of the 500 around each, best of %u times. Kernel\n"
	       "memory is the growth of Slab in /proc/meminfo over %d live buffers. Two processes have\n"
	       "a processor and a file each; how many times as much they get done as one is better the\n"
	       "higher, so there the ratio is vgem to vprime.\n",
	       release, rounds, rounds * WAKES_PER_ROUND, (rounds + 3) / 4, MEMORY_BUFFERS);
}

void table_foot(const struct method *method)
{
	struct utsname name;

	uname(&name);
	method->counted ? counted_foot(name.release, method->rounds) :
			  timed_foot(name.release, method->rounds);
}

static const char *separator = "";

void json_head(unsigned int rounds)
{
	struct utsname name;

	uname(&name);
	printf("{\n\t\"kernel\": \"%s\",\n\t\"rounds\": %u,\n\t\"rows\": [", name.release, rounds);
}

void json_row(const struct row *row, const struct result *result)
{
	printf("%s\n\t\t{ \"operation\": \"%s\", \"vgem_us\": %.3f, \"vprime_us\": %.3f, "
	       "\"other_us\": %.3f, \"other\": \"%s\", \"ratio\": %.4f, \"target\": %s, "
	       "\"met\": %s }", separator, row->name, result->vgem, result->vprime, result->other,
	       to(row), result->ratio, row->target, result->met ? "true" : "false");
	separator = ",";
}

/* the list of rows is open until another part begins, or the end */
static void json_rows_end(void)
{
	printf("%s", separator ? "\n\t]" : "");
	separator = NULL;
}

void json_memory(const struct memory_result *vgem, const struct memory_result *vprime)
{
	json_rows_end();
	printf(",\n\t\"memory_bytes\": {\n"
	       "\t\t\"untouched\": { \"vgem\": %.0f, \"vprime\": %.0f },\n"
	       "\t\t\"touched\": { \"vgem\": %.0f, \"vprime\": %.0f }\n\t}",
	       vgem->untouched, vprime->untouched, vgem->touched, vprime->touched);
}

void json_gain(const struct result *gain)
{
	json_rows_end();
	printf(",\n\t\"gain_of_two\": { \"vgem\": %.3f, \"vprime\": %.3f }", gain->vgem,
	       gain->vprime);
}

void json_foot(void)
{
	json_rows_end();
	printf("\n}\n");
}
