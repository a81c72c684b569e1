/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many things there are: counted by each processor for itself, because all of
 * them make and free things, and summed up when somebody asks.
 */
#ifndef VP_COUNT_H
#define VP_COUNT_H

#include <linux/percpu.h>

/**
 * vp_count_read - what the processors have counted together
 * @count: one of DEFINE_PER_CPU(long, ...), or a part of it
 *
 * What is counted up on one processor may be counted down on another, and just now.
 *
 * Context: any.
 *
 * Return: the sum.
 */
static inline long vp_count_read(const long __percpu *count)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(count, cpu));
	return sum;
}

#endif /* VP_COUNT_H */
