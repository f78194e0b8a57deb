/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IOCTL: the inode flags, which are the same for many file systems, and nothing
 * else; of restricted form, with sizes that fit the command. Queue's threads.
 *
 * Linux calls FS_IOC_GETFLAGS one of long, but it moves an int: messages carry
 * either size.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "creds.h"
#include "handle.h"
#include "inode.h"
#include "ops.h"
#include "session.h"
#include "util.h"

union ioctl_data {
	int flags;
	struct fsxattr fsx;
};

struct ioctl_command {
	uint32_t wire;			/* as the client has it */
	unsigned long host;
	uint32_t bytes;			/* that the host moves */
	uint32_t bytes_max;		/* that a message may carry */
	bool set;
	unsigned long get;		/* for a set: reads the same */
};

#define FLAGS_BYTES ((uint32_t)sizeof(int)), ((uint32_t)sizeof(long))
#define FSX_BYTES ((uint32_t)sizeof(struct fsxattr)), \
		  ((uint32_t)sizeof(struct fsxattr))

static const struct ioctl_command commands[] = {
	{ FS_IOC_GETFLAGS, FS_IOC_GETFLAGS, FLAGS_BYTES, false, 0 },
	{ FS_IOC32_GETFLAGS, FS_IOC_GETFLAGS, FLAGS_BYTES, false, 0 },
	{ FS_IOC_SETFLAGS, FS_IOC_SETFLAGS, FLAGS_BYTES, true,
	  FS_IOC_GETFLAGS },
	{ FS_IOC32_SETFLAGS, FS_IOC_SETFLAGS, FLAGS_BYTES, true,
	  FS_IOC_GETFLAGS },
	{ FS_IOC_FSGETXATTR, FS_IOC_FSGETXATTR, FSX_BYTES, false, 0 },
	{ FS_IOC_FSSETXATTR, FS_IOC_FSSETXATTR, FSX_BYTES, true,
	  FS_IOC_FSGETXATTR },
};

static const struct ioctl_command *find_command(uint32_t wire)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].wire == wire)
			return &commands[i];
	return NULL;
}

static bool fits(const struct ioctl_command *command, uint32_t bytes)
{
	return bytes >= command->bytes && bytes <= command->bytes_max;
}

static bool sizes_fit(const struct ioctl_command *command,
		      const struct fuse_ioctl_in *in)
{
	if (command->set)
		return fits(command, in->in_size);
	return fits(command, in->out_size);
}

/* What not every owner may change. */
struct guarded {
	uint32_t immutable;	/* CAP_LINUX_IMMUTABLE */
	uint32_t journal;	/* CAP_SYS_RESOURCE */
	uint32_t inherit;	/* not from within a user namespace, */
	uint32_t project;	/* neither of both */
};

static struct guarded guarded_of(const struct ioctl_command *command,
				 const union ioctl_data *data)
{
	uint32_t flags = (uint32_t)data->flags;

	if (command->get == FS_IOC_GETFLAGS)
		return (struct guarded){
			.immutable = flags & (FS_IMMUTABLE_FL | FS_APPEND_FL),
			.journal = flags & FS_JOURNAL_DATA_FL,
			.inherit = flags & FS_PROJINHERIT_FL,
		};
	flags = data->fsx.fsx_xflags;
	return (struct guarded){
		.immutable = flags & (FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND),
		.inherit = flags & FS_XFLAG_PROJINHERIT,
		.project = data->fsx.fsx_projid,
	};
}

static int check_guarded(const struct caller *caller,
			 const struct guarded *now,
			 const struct guarded *wanted)
{
	if (now->immutable != wanted->immutable &&
	    !caller_capable(caller, CAP_LINUX_IMMUTABLE))
		return -EPERM;
	if (now->journal != wanted->journal &&
	    !caller_capable(caller, CAP_SYS_RESOURCE))
		return -EPERM;
	if ((now->inherit != wanted->inherit ||
	     now->project != wanted->project) && !caller_at_home(caller))
		return -EINVAL;
	return 0;
}

/* What the host would not see, because it is asked by root. */
static int check_caller(struct request *req, const struct ioctl_command *command,
			const union ioctl_data *data)
{
	const struct config *config = req->queue->session->config;
	struct guarded was, wanted = guarded_of(command, data);
	union ioctl_data now = { 0 };
	struct caller caller;
	struct stat st;

	if (!config->privileged)
		return 0;
	caller_of(req, &caller);
	if (fstat(req->handle->fd, &st))
		return -errno;
	if (caller.uid != st.st_uid && !caller_capable(&caller, CAP_FOWNER))
		return -EPERM;
	if (ioctl(req->handle->fd, command->get, &now))
		return -errno;
	was = guarded_of(command, &now);
	return check_guarded(&caller, &was, &wanted);
}

/* As the server: the client opened the file, and changes were checked above. */
static int run_command(struct request *req, const struct ioctl_command *command,
		       union ioctl_data *data)
{
	int err = command->set ? check_caller(req, command, data) : 0;

	if (err)
		return err;
	return ioctl(req->handle->fd, command->host, data) ? -errno : 0;
}

int op_ioctl(struct request *req)
{
	const struct fuse_ioctl_in *in = wire_take(&req->args, sizeof(*in));
	struct fuse_ioctl_out *out = &req->small.ioctl.head;
	const struct ioctl_command *command;
	union ioctl_data data = { 0 };
	bool directory;
	int err;

	if (!in || req->args.left != in->in_size ||
	    (in->flags & FUSE_IOCTL_UNRESTRICTED))
		return -EINVAL;
	directory = in->flags & FUSE_IOCTL_DIR;
	err = handle_get(req->queue->session->handles, in->fh,
			 directory ? HANDLE_DIRECTORY : HANDLE_FILE, req->inode,
			 &req->handle);
	if (err)
		return err;
	command = find_command(in->cmd);
	if (!command)
		return -ENOTTY;
	if (!sizes_fit(command, in) ||
	    in->out_size > sizeof(req->small.ioctl.data))
		return -EINVAL;
	if (command->set)
		memcpy(&data, req->args.next, command->bytes);
	err = run_command(req, command, &data);
	if (err)
		return err;
	memset(&req->small.ioctl, 0, sizeof(req->small.ioctl));
	if (!command->set)
		memcpy(req->small.ioctl.data, &data, command->bytes);
	/* Linux's own calls take exactly what they asked for. */
	session_reply_small(req, sizeof(*out) + in->out_size);
	return 0;
}
