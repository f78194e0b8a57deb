/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of options: text to field, with ranges. Knows kinds, no option. Numbers
 * are decimal; 300ms, 2s, bare seconds with a fraction; k, M and G.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_table.h"
#include "util.h"

static void *config_field(struct config *config, const struct option_row *row)
{
	return (char *)config + row->offset;
}

/* Digits to *ret; *end is what follows. False: none there, or too many. */
static bool value_digits(const char *text, uint64_t *ret, const char **end)
{
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return false;
	}
	*ret = value;
	*end = p;
	return p != text;
}

static bool value_count(const char *text, uint64_t *ret)
{
	const char *end;

	return value_digits(text, ret, &end) && *end == '\0';
}

static bool value_size(const char *text, uint64_t *ret)
{
	const char *end;
	unsigned int shift = 0;

	if (!value_digits(text, ret, &end))
		return false;
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'm':
	case 'M':
		shift = 20;
		break;
	case 'g':
	case 'G':
		shift = 30;
		break;
	case '\0':
		return true;
	default:
		return false;
	}
	if (end[1] != '\0' || *ret > UINT64_MAX >> shift)
		return false;
	*ret <<= shift;
	return true;
}

/* "2", "0.5s", "300ms", "20us" */
static bool value_time(const char *text, uint64_t *ret)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{ "", NSEC_PER_SEC },
		{ "s", NSEC_PER_SEC },
		{ "ms", NSEC_PER_MSEC },
		{ "us", NSEC_PER_USEC },
	};
	const char *end = text;
	uint64_t whole = 0;
	uint64_t part = 0;
	uint64_t scale = 1;

	if (*text != '.' && !value_digits(text, &whole, &end))
		return false;
	if (*end == '.') {
		const char *digits = ++end;

		/* More than nine digits of a fraction are under a nanosecond. */
		for (; *end >= '0' && *end <= '9'; end++) {
			if (scale < NSEC_PER_SEC) {
				part = part * 10 + (uint64_t)(*end - '0');
				scale *= 10;
			}
		}
		if (end == digits)
			return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		if (__builtin_mul_overflow(whole, units[i].ns, ret))
			return false;
		/* part < scale <= 10^9 and ns <= 10^9: no overflow */
		return !__builtin_add_overflow(*ret, part * units[i].ns / scale,
					       ret);
	}
	return false;
}

static const char *value_size_text(uint64_t bytes, char *buffer, size_t room)
{
	if (bytes >= 1U << 20 && bytes % (1U << 20) == 0)
		snprintf(buffer, room, "%lluM",
			 (unsigned long long)(bytes >> 20));
	else if (bytes >= 1024 && bytes % 1024 == 0)
		snprintf(buffer, room, "%lluk",
			 (unsigned long long)(bytes >> 10));
	else
		snprintf(buffer, room, "%llu", (unsigned long long)bytes);
	return buffer;
}

static uint64_t size_min(const struct option_row *row)
{
	return max_u64(row->min, (uint64_t)sysconf(_SC_PAGESIZE));
}

static void choices_text(const char *const *choices, char *buffer, size_t bytes)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; choices[i] && used < bytes; i++) {
		const char *before = ", ";

		if (i == 0)
			before = "";
		else if (!choices[i + 1])
			before = " or ";
		used += (size_t)snprintf(buffer + used, bytes - used, "%s%s",
					 before, choices[i]);
	}
}

const char *config_allowed_text(const struct option_row *row, char *buffer,
				size_t bytes)
{
	char low[24];
	char high[24];

	switch (row->kind) {
	case OPTION_FLAG:
	case OPTION_SWITCH:
		snprintf(buffer, bytes, "%s or no_%s, without a value",
			 row->name, row->name);
		break;
	case OPTION_CHOICE:
		choices_text(row->choices, buffer, bytes);
		break;
	case OPTION_COUNT:
		snprintf(buffer, bytes, "a number from %llu to %llu",
			 (unsigned long long)row->min,
			 (unsigned long long)row->max);
		break;
	case OPTION_SIZE:
		snprintf(buffer, bytes,
			 "a size from %s to %s, a multiple of the page (%ld)",
			 value_size_text(size_min(row), low, sizeof(low)),
			 value_size_text(row->max, high, sizeof(high)),
			 sysconf(_SC_PAGESIZE));
		break;
	case OPTION_TIME:
		snprintf(buffer, bytes,
			 "a time such as 300ms, 2s or 1.5 (seconds), at most %llu",
			 (unsigned long long)(row->max / NSEC_PER_SEC));
		break;
	case OPTION_TEXT:
		snprintf(buffer, bytes, "a text that is not empty");
		break;
	}
	return buffer;
}

void config_set_flag(struct config *config, const struct option_row *row,
		     bool on)
{
	if (row->kind == OPTION_FLAG)
		*(bool *)config_field(config, row) = on;
	else
		*(enum switch_state *)config_field(config, row) =
			on ? SWITCH_ON : SWITCH_OFF;
}

static bool set_choice(void *field, const char *const *choices,
		       const char *value)
{
	for (unsigned int i = 0; choices[i]; i++) {
		if (strcmp(choices[i], value) != 0)
			continue;
		/* Every enum of the table is an unsigned int to the ABI. */
		memcpy(field, &i, sizeof(i));
		return true;
	}
	return false;
}

static int set_text(char **field, const char *value)
{
	char *copy;

	if (*value == '\0')
		return -EINVAL;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

/* Parses VALUE by the row's kind. False: it is not what the row wants. */
static bool set_number(void *field, const struct option_row *row,
		       const char *value)
{
	uint64_t number;

	switch (row->kind) {
	case OPTION_COUNT:
		if (!value_count(value, &number) || number < row->min ||
		    number > row->max)
			return false;
		*(unsigned int *)field = (unsigned int)number;
		return true;
	case OPTION_SIZE:
		if (!value_size(value, &number) || number < size_min(row) ||
		    number > row->max ||
		    number % (uint64_t)sysconf(_SC_PAGESIZE) != 0)
			return false;
		*(uint32_t *)field = (uint32_t)number;
		return true;
	case OPTION_TIME:
		if (!value_time(value, &number) || number > row->max)
			return false;
		*(uint64_t *)field = number;
		return true;
	default:
		return false;
	}
}

int config_set(struct config *config, const struct option_row *row,
	       const char *value)
{
	void *field = config_field(config, row);
	char allowed[160];
	int error = -EINVAL;

	if (row->kind == OPTION_CHOICE)
		error = set_choice(field, row->choices, value) ? 0 : -EINVAL;
	else if (row->kind == OPTION_TEXT)
		error = set_text(field, value);
	else if (set_number(field, row, value))
		error = 0;
	if (error == -EINVAL)
		config_complain("%s=%s: allowed is %s", row->name, value,
				config_allowed_text(row, allowed,
						    sizeof(allowed)));
	return error;
}
