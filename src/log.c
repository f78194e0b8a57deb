/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log. A line is put together on the caller's stack and leaves by one write(2)
 * (or one syslog(3)), so lines of several threads do not mix and no lock is
 * needed. What does not fit LOG_LINE_MAX is cut off; control characters, which
 * file names may have, become question marks.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX 2048

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_FILE };

enum log_level log_level_max = LOG_LEVEL_INFO;

/* A daemon turns to syslog when it is ready, and workers may be logging then. */
static _Atomic enum log_target log_target = LOG_TO_STDERR;
static atomic_bool log_starting = true;
static int log_fd = -1;		/* set before threads start */

static const struct {
	const char *word;	/* before the text on stderr */
	const char *name;	/* in the file */
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error: ", "error", LOG_ERR },
	[LOG_LEVEL_WARNING] = { "warning: ", "warning", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "", "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "", "debug", LOG_DEBUG },
};

int log_open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
		      0600);

	if (fd < 0)
		return -errno;
	if (log_target == LOG_TO_FILE)
		close(log_fd);
	log_fd = fd;
	log_target = LOG_TO_FILE;
	return 0;
}

void log_use_syslog(void)
{
	if (log_target == LOG_TO_FILE)
		return;
	openlog("ferryfs", LOG_PID, LOG_DAEMON);
	log_target = LOG_TO_SYSLOG;
}

void log_started(void)
{
	log_starting = false;
}

/* What comes before the text; returns its length. */
static size_t log_head(enum log_target target, enum log_level level, char *line,
		       size_t room)
{
	struct timespec now;
	struct tm tm;
	size_t used;

	switch (target) {
	case LOG_TO_SYSLOG:
		return 0;
	case LOG_TO_STDERR:
		return (size_t)snprintf(line, room, "ferryfs: %s",
					levels[level].word);
	case LOG_TO_FILE:
		break;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	used = strftime(line, room, "%Y-%m-%d %H:%M:%S", &tm);
	return used + (size_t)snprintf(line + used, room - used,
				       ".%03ld ferryfs[%d] %s: ",
				       now.tv_nsec / 1000000, (int)getpid(),
				       levels[level].name);
}

static void log_write(enum log_target target, enum log_level level,
		      const char *text)
{
	char line[LOG_LINE_MAX];
	size_t head = log_head(target, level, line, sizeof(line));
	size_t bytes = strlen(text);

	if (target == LOG_TO_SYSLOG) {
		syslog(levels[level].priority, "%s", text);
		return;
	}
	if (bytes > sizeof(line) - head - 1)
		bytes = sizeof(line) - head - 1;
	memcpy(line + head, text, bytes);
	line[head + bytes] = '\n';
	/* Nobody is left to be told if the log cannot be written. */
	while (write(target == LOG_TO_FILE ? log_fd : STDERR_FILENO, line,
		     head + bytes + 1) < 0 &&
	       errno == EINTR)
		;
}

void log_line(enum log_level level, const char *format, ...)
{
	char text[LOG_LINE_MAX];
	int error = errno;
	va_list args;

	if (!log_enabled(level))
		return;
	va_start(args, format);
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	va_end(args);
	for (char *p = text; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == '\177')
			*p = '?';
	}
	log_write(log_target, level, text);
	if (log_starting && log_target == LOG_TO_FILE &&
	    level <= LOG_LEVEL_WARNING)
		log_write(LOG_TO_STDERR, level, text);
	errno = error;
}
