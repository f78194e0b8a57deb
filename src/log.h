/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log: stderr in the foreground, syslog as a daemon, or a file. Any thread
 * may write at any time; each call is one line, written whole.
 */
#ifndef FERRYFS_LOG_H
#define FERRYFS_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Lines above this level are dropped. Set before threads start. */
extern enum log_level log_level_max;

/*
 * Appends to the file at PATH from now on (created 0600). Returns 0 or -errno
 * and leaves the log where it was. Before threads start.
 */
int log_open_file(const char *path);

/* Sends everything to syslog(3) from now on, unless a file is open. */
void log_use_syslog(void);

/*
 * Whoever started us has what stderr is for: with a file open, warnings and errors
 * went to both until now.
 */
void log_started(void);

/* Any thread. Never fails and keeps errno. */
void log_line(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline bool log_enabled(enum log_level level)
{
	return level <= log_level_max;
}

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) \
	do { \
		if (log_enabled(LOG_LEVEL_DEBUG)) \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
