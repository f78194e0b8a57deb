/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows from the options: defaults that depend on others, on privileges
 * and on the machine, and the combinations that cannot work. Before threads.
 */
#include <cap-ng.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "config_table.h"
#include "util.h"

/* "Never expires" to the kernel: it counts timeouts in jiffies. */
#define TIMEOUT_FOREVER_NS (365ULL * 86400 * NSEC_PER_SEC)
#define WORKERS_AUTO_MIN 4U
#define WORKERS_AUTO_MAX 16U

static const struct {
	uint64_t known_ns;	/* names and attributes */
	uint64_t negative_ns;
} timeouts_by_cache[] = {
	[CACHE_NONE] = { 0, 0 },
	[CACHE_AUTO] = { NSEC_PER_SEC, 0 },
	[CACHE_ALWAYS] = { TIMEOUT_FOREVER_NS, TIMEOUT_FOREVER_NS },
};

static void fill_timeout(uint64_t *timeout_ns, uint64_t by_cache_ns)
{
	if (*timeout_ns == CONFIG_TIMEOUT_UNSET)
		*timeout_ns = by_cache_ns;
}

/* Two workers for each CPU that we may run on, within bounds. */
static unsigned int workers_auto(void)
{
	cpu_set_t cpus;
	unsigned int count = 1;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		count = (unsigned int)CPU_COUNT(&cpus);
	else if (sysconf(_SC_NPROCESSORS_ONLN) > 0)
		count = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	return (unsigned int)min_u64(max_u64(2U * count, WORKERS_AUTO_MIN),
				     WORKERS_AUTO_MAX);
}

/* Whether we can act as any caller. */
static bool is_privileged(void)
{
	static const unsigned int needed[] = {
		CAP_SETUID, CAP_SETGID, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
		CAP_FOWNER, CAP_CHOWN,
	};

	if (geteuid() != 0)
		return false;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_get_caps_process() != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (!capng_have_capability(CAPNG_EFFECTIVE, needed[i]))
			return false;
	}
	return true;
}

/*
 * Users of the mount are checked by us. Linux walks through names that it keeps
 * without asking, so it must keep none: search permission would mean nothing.
 */
static bool names_are_guarded(const struct config *config)
{
	return config->privileged && config->allow_other &&
	       !config->check_permissions;
}

static void fill_caching(struct config *config)
{
	enum cache_mode cache = config->cache;

	if (names_are_guarded(config)) {
		cache = CACHE_NONE;
		if (config->readdirplus == TRI_AUTO)
			config->readdirplus = TRI_NEVER;
	}
	fill_timeout(&config->attr_timeout_ns,
		     timeouts_by_cache[cache].known_ns);
	fill_timeout(&config->entry_timeout_ns,
		     timeouts_by_cache[cache].known_ns);
	fill_timeout(&config->negative_timeout_ns,
		     timeouts_by_cache[cache].negative_ns);
}

void config_fill(struct config *config)
{
	if (config->workers == 0)
		config->workers = workers_auto();

	config->privileged = is_privileged();
	config->default_permissions_on =
		config->default_permissions == SWITCH_ON ||
		(config->default_permissions == SWITCH_AUTO &&
		 (config->allow_other || config->posix_acl == SWITCH_ON));
	config->check_permissions =
		config->default_permissions_on ||
		(config->default_permissions == SWITCH_AUTO &&
		 config->privileged);
	config->use_posix_acl =
		config->posix_acl == SWITCH_ON ||
		(config->posix_acl == SWITCH_AUTO && config->privileged &&
		 config->default_permissions_on && config->xattr);
	fill_caching(config);
}

static bool writeback_without_cache(const struct config *config)
{
	return config->writeback && config->cache == CACHE_NONE;
}

/*
 * The kernel keeps the times then and sends utimensat(UTIME_NOW) as plain ones,
 * which only an owner may set: a writer who is not would get EPERM.
 */
static bool writeback_without_permissions(const struct config *config)
{
	return config->writeback && config->privileged &&
	       !config->check_permissions;
}

static bool acl_without_xattr(const struct config *config)
{
	return config->posix_acl == SWITCH_ON && !config->xattr;
}

static bool acl_without_permissions(const struct config *config)
{
	return config->posix_acl == SWITCH_ON &&
	       config->default_permissions == SWITCH_OFF;
}

static bool inval_without_cache(const struct config *config)
{
	return config->explicit_inval_data && config->cache == CACHE_NONE;
}

static bool handles_unprivileged(const struct config *config)
{
	return config->inode_handles == TRI_ALWAYS && !config->privileged;
}

static bool names_kept_from_checks(const struct config *config)
{
	return names_are_guarded(config) &&
	       (config->attr_timeout_ns > 0 || config->entry_timeout_ns > 0 ||
		config->negative_timeout_ns > 0 ||
		config->readdirplus == TRI_ALWAYS);
}

static const struct {
	bool (*broken)(const struct config *config);
	const char *why;
} rules[] = {
	{ writeback_without_cache,
	  "writeback needs the kernel's cache: use cache=auto or "
	  "cache=always, or no_writeback" },
	{ writeback_without_permissions,
	  "writeback needs permissions to be the kernel's business: leave out "
	  "no_default_permissions or writeback" },
	{ names_kept_from_checks,
	  "attr_timeout, entry_timeout, negative_timeout and "
	  "readdirplus=always would let users past directories they may not "
	  "search: leave them out, or no_default_permissions" },
	{ inval_without_cache,
	  "explicit_inval_data has nothing to keep with cache=none: use "
	  "cache=auto or cache=always" },
	{ acl_without_xattr,
	  "posix_acl is kept in extended attributes: leave out no_xattr or "
	  "posix_acl" },
	{ acl_without_permissions,
	  "posix_acl makes the kernel check permissions: leave out "
	  "no_default_permissions or posix_acl" },
	{ handles_unprivileged,
	  "inode_handles=always needs CAP_DAC_READ_SEARCH: run as root, or "
	  "use inode_handles=auto" },
};

const char *config_broken_rule(const struct config *config, unsigned int *next)
{
	while (*next < ARRAY_SIZE(rules)) {
		unsigned int i = (*next)++;

		if (rules[i].broken(config))
			return rules[i].why;
	}
	return NULL;
}

int config_resolve(struct config *config)
{
	char why[CONFIG_WHY_BYTES];
	unsigned int next = 0;
	const char *rule;

	config_fill(config);
	rule = config_broken_rule(config, &next);
	if (rule) {
		config_complain("%s", rule);
		return -EINVAL;
	}
	if (config_resolve_source(config, why) != 0 ||
	    config_resolve_mountpoint(config, why) != 0 ||
	    config_check_nesting(config, why) != 0) {
		config_complain("%s", why);
		return -EINVAL;
	}
	return 0;
}
