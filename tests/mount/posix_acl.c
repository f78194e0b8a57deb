/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POSIX ACLs by their extended attributes, so without libacl: access, mask,
 * defaults that are inherited, the umask that they replace, setgid.
 */
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#include "posix.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

enum tag {
	USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32,
};

struct acl {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entries[8];
};

struct entry {
	enum tag tag;
	uint16_t bits;
	uint32_t id;
};

static int set_acl(const char *path, const char *name,
		   const struct entry *entries, size_t count)
{
	struct acl acl = { .header.a_version = POSIX_ACL_XATTR_VERSION };

	for (size_t i = 0; i < count; i++) {
		acl.entries[i].e_tag = entries[i].tag;
		acl.entries[i].e_perm = entries[i].bits;
		acl.entries[i].e_id =
			entries[i].tag == USER || entries[i].tag == GROUP ?
			entries[i].id : UINT32_MAX;
	}
	return setxattr(path, name, &acl, sizeof(acl.header) +
			count * sizeof(acl.entries[0]), 0);
}
#define SET_ACL(path, name, ...) \
	set_acl(path, name, (const struct entry[]){ __VA_ARGS__ }, \
		sizeof((const struct entry[]){ __VA_ARGS__ }) / \
		sizeof(struct entry))

/* Bits of an entry of that tag and id, or -1. */
static int acl_bits(const char *path, const char *name, enum tag tag,
		    uint32_t id)
{
	struct acl acl;
	ssize_t size = getxattr(path, name, &acl, sizeof(acl));

	if (size < (ssize_t)sizeof(acl.header))
		return -1;
	for (size_t i = 0; i < ((size_t)size - sizeof(acl.header)) /
	     sizeof(acl.entries[0]); i++)
		if (acl.entries[i].e_tag == tag &&
		    ((tag != USER && tag != GROUP) || acl.entries[i].e_id == id))
			return acl.entries[i].e_perm;
	return -1;
}

static bool can_acl(void)
{
	write_file("x", "");
	return SET_ACL("x", ACL_ACCESS, { USER_OBJ, 6, 0 }, { USER, 4, 61001 },
		       { GROUP_OBJ, 4, 0 }, { MASK, 4, 0 }, { OTHER, 0, 0 })
		== 0;
}

static void acl_access(void)
{
	write_file("file", "content");
	OK(chmod("file", 0600));
	OK(SET_ACL("file", ACL_ACCESS, { USER_OBJ, 6, 0 },
		   { USER, 6, bob.uid }, { GROUP_OBJ, 0, 0 },
		   { GROUP, 4, alice.gid }, { MASK, 6, 0 }, { OTHER, 0, 0 }));
	MODE("file", 0660);
	EQ(acl_bits("file", ACL_ACCESS, USER, bob.uid), 6);
	EQ(acl_bits("file", ACL_ACCESS, GROUP, alice.gid), 4);
	AS(&bob) {
		OK(open_close("file", O_RDWR, 0));
		OK(access("file", R_OK | W_OK));
		FAILS(EPERM, chmod("file", 0666));
	}
	AS(&carol) {
		OK(open_close("file", O_RDONLY, 0));
		FAILS(EACCES, open_close("file", O_WRONLY, 0));
	}
	AS(&dave)
		OK(open_close("file", O_RDONLY, 0));
	/* chmod of the group's bits changes the mask. */
	OK(chmod("file", 0640));
	EQ(acl_bits("file", ACL_ACCESS, MASK, 0), 4);
	EQ(acl_bits("file", ACL_ACCESS, USER, bob.uid), 6);
	AS(&bob) {
		OK(open_close("file", O_RDONLY, 0));
		FAILS(EACCES, open_close("file", O_WRONLY, 0));
	}
	/* A minimal list is no list, but the mode. */
	OK(SET_ACL("file", ACL_ACCESS, { USER_OBJ, 7, 0 }, { GROUP_OBJ, 5, 0 },
		   { OTHER, 1, 0 }));
	MODE("file", 0751);
	FAILS(ENODATA, getxattr("file", ACL_ACCESS, NULL, 0));
	AS(&bob) {
		FAILS(EPERM, SET_ACL("file", ACL_ACCESS, { USER_OBJ, 7, 0 },
				     { GROUP_OBJ, 7, 0 }, { OTHER, 7, 0 }));
		FAILS(EPERM, removexattr("file", ACL_ACCESS));
	}
	FAILS(EINVAL, setxattr("file", ACL_ACCESS, "bad", 3, 0));
	FAILS(EINVAL, SET_ACL("file", ACL_ACCESS, { USER_OBJ, 7, 0 },
			      { USER, 7, 1 }, { GROUP_OBJ, 7, 0 },
			      { OTHER, 7, 0 }));
	FAILS(EACCES, SET_ACL("file", ACL_DEFAULT, { USER_OBJ, 7, 0 },
			      { GROUP_OBJ, 7, 0 }, { OTHER, 7, 0 }));
}

static void acl_inherited(void)
{
	mode_t old = umask(0077);

	make_dir("dir", 0755);
	OK(SET_ACL("dir", ACL_DEFAULT, { USER_OBJ, 7, 0 },
		   { USER, 7, bob.uid }, { GROUP_OBJ, 5, 0 },
		   { MASK, 7, 0 }, { OTHER, 0, 0 }));
	EQ(acl_bits("dir", ACL_DEFAULT, USER, bob.uid), 7);
	/* The default list replaces the umask; the mode asked for cuts it. */
	OK(open_close("dir/file", O_CREAT | O_RDWR, 0666));
	MODE("dir/file", 0660);
	EQ(acl_bits("dir/file", ACL_ACCESS, USER, bob.uid), 7);
	EQ(acl_bits("dir/file", ACL_ACCESS, MASK, 0), 6);
	EQ(acl_bits("dir/file", ACL_ACCESS, GROUP_OBJ, 0), 5);
	AS(&bob)
		OK(open_close("dir/file", O_RDWR, 0));
	OK(open_close("dir/private", O_CREAT | O_RDWR, 0600));
	MODE("dir/private", 0600);
	EQ(acl_bits("dir/private", ACL_ACCESS, MASK, 0), 0);
	AS(&bob)
		FAILS(EACCES, open_close("dir/private", O_RDONLY, 0));

	OK(mkdir("dir/sub", 0777));
	MODE("dir/sub", 0770);
	EQ(acl_bits("dir/sub", ACL_DEFAULT, USER, bob.uid), 7);
	EQ(acl_bits("dir/sub", ACL_ACCESS, USER, bob.uid), 7);
	OK(mkfifo("dir/fifo", 0666));
	MODE("dir/fifo", 0660);
	OK(mknod("dir/node", S_IFREG | 0666, 0));
	MODE("dir/node", 0660);
	EQ(acl_bits("dir/node", ACL_ACCESS, USER, bob.uid), 7);
	OK(symlink("x", "dir/link"));
	MODE("dir/link", 0777);
	AS(&bob) {
		OK(open_close("dir/sub/his", O_CREAT | O_RDWR, 0644));
		FAILS(EACCES, open_close("dir/his", O_CREAT | O_RDWR, 0644));
	}
	OWNER("dir/sub/his", bob.uid, bob.gid);
	MODE("dir/sub/his", 0640);
	/* Elsewhere the umask applies as ever. */
	OK(open_close("plain", O_CREAT | O_RDWR, 0666));
	MODE("plain", 0600);
	OK(removexattr("dir", ACL_DEFAULT));
	OK(open_close("dir/after", O_CREAT | O_RDWR, 0666));
	MODE("dir/after", 0600);
	umask(old);
}

/* Setting a list drops setgid for who is not in the group, as chmod does. */
static void acl_setgid(void)
{
	make_file("setgid", 02755);
	OK(chown("setgid", alice.uid, bob.gid));
	OK(chmod("setgid", 02755));
	AS(&alice)
		OK(SET_ACL("setgid", ACL_ACCESS, { USER_OBJ, 7, 0 },
			   { USER, 5, carol.uid }, { GROUP_OBJ, 5, 0 },
			   { MASK, 7, 0 }, { OTHER, 5, 0 }));
	MODE("setgid", 0775);
	OK(chmod("setgid", 02755));
	OK(SET_ACL("setgid", ACL_ACCESS, { USER_OBJ, 7, 0 },
		   { USER, 5, carol.uid }, { GROUP_OBJ, 5, 0 },
		   { MASK, 7, 0 }, { OTHER, 5, 0 }));
	MODE("setgid", 02775);
	OK(chown("setgid", dave.uid, bob.gid));
	OK(chmod("setgid", 02755));
	AS(&dave)
		OK(SET_ACL("setgid", ACL_ACCESS, { USER_OBJ, 7, 0 },
			   { USER, 5, carol.uid }, { GROUP_OBJ, 5, 0 },
			   { MASK, 5, 0 }, { OTHER, 5, 0 }));
	MODE("setgid", 02755);
}

void test_acl(void)
{
	if (!native(can_acl))
		return;
	acl_access();
	acl_inherited();
	acl_setgid();
}
