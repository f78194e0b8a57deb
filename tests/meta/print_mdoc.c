/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the options table as mdoc, for man/ferryfs.1. Run by the build.
 */
#include <stdio.h>
#include <stdlib.h>

#include "config.h"

int main(void)
{
	config_print_mdoc(stdout);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
