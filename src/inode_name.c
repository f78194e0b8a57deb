/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where file handles cannot be had, an inode remembers its parent and the name it
 * was last seen under, and is reopened from its nearest open ancestor, each step
 * verified. A name that was changed behind our back gives ESTALE until the file
 * is looked up again.
 *
 * Threads: any. A name is under its inode's lock. A name references the parent,
 * so names must not form a ring: only a directory that changes its name can close
 * one, which names_lock serializes.
 */
#include "inode_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One step down on the way to an inode. */
struct step {
	struct inode *inode;		/* referenced */
	char *name;			/* its name in the step before */
};

static bool name_equal(const struct inode_name *known,
		       const struct inode *parent, const char *name)
{
	return known && known->parent == parent &&
	       strcmp(known->name, name) == 0;
}

bool inode_name_is(struct inode_table *table, struct inode *inode,
		   const struct inode *parent, const char *name)
{
	bool equal;

	inode_lock(table, inode);
	equal = name_equal(inode->name, parent, name);
	inode_unlock(table, inode);
	return equal;
}

/*
 * Makes sure that INODE is not among the ancestors of PARENT, which is about to
 * be its parent: what says so is out of date. Each ancestor is kept by the name
 * below it, which does not change under names_lock.
 */
static void forget_ring_locked(struct inode_table *table, struct inode *inode,
			       struct inode *parent)
{
	struct inode *at = parent, *up;
	struct inode_name *wrong = NULL;

	while (at && at != table->root && !wrong) {
		inode_lock(table, at);
		up = at->name ? at->name->parent : NULL;
		if (up == inode) {
			wrong = at->name;
			at->name = NULL;
		}
		inode_unlock(table, at);
		at = up;
	}
	if (wrong) {
		/* INODE is the caller's: this is not its last reference. */
		inode_put(table, wrong->parent);
		free(wrong);
	}
}

int inode_name_set(struct inode_table *table, struct inode *inode,
		   struct inode *parent, const char *name)
{
	bool directory = inode->type == S_IFDIR;
	struct inode_name *new_name, *old;
	size_t size = strlen(name) + 1;

	if (inode == table->root || inode == parent ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    inode_name_is(table, inode, parent, name))
		return 0;
	new_name = malloc(sizeof(*new_name) + size);
	if (!new_name)
		return -ENOMEM;
	inode_ref(parent);
	new_name->parent = parent;
	memcpy(new_name->name, name, size);

	if (directory) {
		pthread_mutex_lock(&table->names_lock);
		forget_ring_locked(table, inode, parent);
	}
	inode_lock(table, inode);
	old = inode->name;
	inode->name = new_name;
	inode_unlock(table, inode);
	if (directory)
		pthread_mutex_unlock(&table->names_lock);
	atomic_store_explicit(&table->names, true, memory_order_relaxed);
	if (old) {
		inode_put(table, old->parent);
		free(old);
	}
	return 0;
}

static void steps_free(struct inode_table *table, struct step *steps,
		       unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		inode_put(table, steps[i].inode);
		free(steps[i].name);
	}
	free(steps);
}

/* INODE's name in *step, and its parent, referenced, in *ret_parent. */
static int step_up(struct inode_table *table, struct inode *inode,
		   struct step *step, struct inode **ret_parent)
{
	int rc = 0;

	inode_lock(table, inode);
	if (!inode->name) {
		rc = -ESTALE;
		goto out_unlock;
	}
	step->name = strdup(inode->name->name);
	if (!step->name) {
		rc = -ENOMEM;
		goto out_unlock;
	}
	step->inode = inode;
	*ret_parent = inode->name->parent;
	inode_ref(*ret_parent);
out_unlock:
	inode_unlock(table, inode);
	return rc;
}

/* Whether INODE can give its fd without going up itself. */
static bool is_base(struct inode_table *table, struct inode *inode)
{
	bool hot;

	if (inode == table->root || inode_has_handle(inode))
		return true;
	inode_lock(table, inode);
	hot = inode->fd >= 0;
	if (hot)
		inode->fd_users++;	/* stays hot until base_fd() */
	inode_unlock(table, inode);
	return hot;
}

static int base_fd(struct inode_table *table, struct inode *base, int *ret)
{
	int rc = inode_fd(table, base, ret);

	if (base != table->root && !inode_has_handle(base))
		inode_fd_put(table, base);
	return rc;
}

/*
 * The way from an ancestor that can be had down to INODE, lowest first, in
 * *ret_steps; the ancestor, referenced, in *ret_base. Their number or -errno.
 */
static int find_way(struct inode_table *table, struct inode *inode,
		    struct step **ret_steps, struct inode **ret_base)
{
	unsigned int count = 0, room = 0;
	struct step *steps = NULL;
	struct inode *at = inode;
	void *more;
	int rc;

	inode_ref(inode);
	do {
		rc = -ESTALE;
		if (count == INODE_DEPTH_MAX)
			goto out_free;
		if (count == room) {
			room = room ? room * 2 : 8;
			more = realloc(steps, room * sizeof(*steps));
			rc = -ENOMEM;
			if (!more)
				goto out_free;
			steps = more;
		}
		rc = step_up(table, at, &steps[count], &at);
		if (rc < 0)
			goto out_free;
		count++;
	} while (!is_base(table, at));
	*ret_steps = steps;
	*ret_base = at;
	return (int)count;

out_free:
	inode_put(table, at);
	steps_free(table, steps, count);
	return rc;
}

/* One step down from FD; verified. */
static int step_down(struct inode_table *table, const struct step *step, int fd)
{
	int opened, rc;

	opened = inode_openat(table, fd, step->name, O_PATH | O_NOFOLLOW);
	if (opened == -ENOENT || opened == -ENOTDIR)
		return -ESTALE;
	if (opened < 0)
		return opened;
	rc = inode_fd_verify(step->inode, opened);
	if (rc < 0) {
		close(opened);
		return rc;
	}
	return opened;
}

int inode_name_open(struct inode_table *table, struct inode *inode)
{
	struct inode *base, *above;
	struct step *steps;
	int count, fd, i, rc;

	count = find_way(table, inode, &steps, &base);
	if (count < 0)
		return count;
	above = base;
	rc = base_fd(table, above, &fd);
	for (i = count - 1; i >= 0 && rc == 0; i--) {
		rc = step_down(table, &steps[i], fd);
		inode_fd_put(table, above);
		if (rc < 0 || i == 0)
			break;
		/* The fds of the directories in between stay hot. */
		above = steps[i].inode;
		rc = inode_fd_publish(table, above, rc, &fd);
	}
	steps_free(table, steps, (unsigned int)count);
	inode_put(table, base);
	return rc;
}
