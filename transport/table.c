/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only list of transports, and its start-up check.
 */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "transport.h"
#include "transport/transports.h"

const struct transport_ops *const transport_table[] = {
	&devfuse_ops,
	NULL,
};

const struct transport_ops *transport_find(const char *name)
{
	unsigned int i;

	if (!strcmp(name, "auto"))
		return transport_table[0];
	for (i = 0; transport_table[i]; i++)
		if (!strcmp(name, transport_table[i]->name))
			return transport_table[i];
	return NULL;
}

int transport_table_check(void)
{
	unsigned int i;

	for (i = 0; transport_table[i]; i++) {
		const struct transport_ops *ops = transport_table[i];

		if (ops->name && ops->summary && ops->open && ops->attach &&
		    ops->complete && ops->stop && ops->close &&
		    ops->default_completion != COMPLETION_AUTO)
			continue;
		log_error("transport %s lacks a required member",
			  ops->name ? ops->name : "(unnamed)");
		return -EINVAL;
	}
	return 0;
}
