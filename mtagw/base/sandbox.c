/*
 * sandbox: an allow list of system calls for each part of the gateway, put together from groups,
 * and a limit of its address space. Which calls belong to a group is said once, by name; libseccomp
 * knows their numbers on this machine. What is on no list is what nobody here needs: to trace
 * others, to mount, to load modules, io_uring, keyrings, namespaces, bpf.
 *
 * A process that breaks its filter was taken over, or the list is wrong: it must end either way,
 * and say of what. So the filter raises SIGSYS, and the handler writes the name and lets the signal
 * kill. The call itself is never made, whoever catches the signal.
 */
#include "mtagw/base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "mtagw/base/crash.h"
#include "mtagw/base/log.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define MIB ((rlim_t)1 << 20)
#define CALLS_MAX 512 /* no machine of ours has a higher number */
#define NAME_SIZE 32
#define SESSION_BYTES ((rlim_t)128 << 10) /* of smtpd, TLS and output that waits included */

enum {
	MAY_CONNECT = 1 << 0, /* Unix sockets: database, roles, Dovecot, agent */
	MAY_REACH = 1 << 1,   /* IPv4 and IPv6 */
	MAY_ACCEPT = 1 << 2,  /* on a socket that stands */
	MAY_WRITE = 1 << 3,   /* make, change and remove files */
	MAY_FORK = 1 << 4,    /* processes of its own program */
	MAY_START = 1 << 5,   /* other programs */
	MAY_DETACH = 1 << 6   /* a child into namespaces of its own */
};

/* Memory: base and so many times the largest message; on top what the settings of smtpd and router
 * let them hold at once. A fence against growth without end, not a budget: a part that meets it
 * ends. */
static const struct part {
	const char *name;
	unsigned may;
	unsigned base_mib, messages;
} parts[] = {
    {"smtpd", MAY_CONNECT | MAY_ACCEPT, 1024, 4},
    {"router", MAY_CONNECT | MAY_FORK, 0, 0},
    {"router-worker", MAY_CONNECT, 1024, 12},
    {"sender", MAY_CONNECT | MAY_REACH, 4096, 0},
    {"clerk", MAY_CONNECT, 1024, 0},
    {"signd", MAY_CONNECT | MAY_ACCEPT | MAY_WRITE | MAY_FORK | MAY_START, 1024, 0},
    /* the pool; a worker's resolver process keeps this filter */
    {"verify", MAY_CONNECT | MAY_REACH | MAY_ACCEPT | MAY_WRITE | MAY_FORK | MAY_START, 1024, 6},
    {"verify-worker", MAY_CONNECT | MAY_ACCEPT | MAY_WRITE | MAY_FORK | MAY_START, 1024, 6},
    {"pdfd", MAY_ACCEPT | MAY_WRITE | MAY_FORK | MAY_START | MAY_DETACH, 1024, 0},
    {"pdf", MAY_WRITE | MAY_FORK | MAY_START, 1024, 0},
};

/* What every program of a C library does: memory, time, waiting, reading, its own signals and
 * threads. */
static const char *const every[] = {"access", "alarm", "arch_prctl", "brk", "clock_getres",
    "clock_gettime", "clock_nanosleep", "close", "close_range", "copy_file_range", "dup", "dup2",
    "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "eventfd", "eventfd2", "exit", "exit_group", "faccessat", "faccessat2",
    "fadvise64", "fcntl", "fdatasync", "flock", "fstat", "fstatfs", "fsync", "futex", "futex_waitv",
    "get_robust_list", "getcwd", "getdents", "getdents64", "getegid", "geteuid", "getgid",
    "getgroups", "getitimer", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getrandom",
    "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "gettimeofday",
    "getuid", "getxattr", "kill", "lgetxattr", "lseek", "lstat", "madvise", "membarrier", "mincore",
    "mlock", "mlock2", "mmap", "mprotect", "mremap", "msync", "munlock", "munmap", "nanosleep",
    "newfstatat", "pause", "pipe", "pipe2", "poll", "ppoll", "prctl", "pread64", "preadv",
    "preadv2", "prlimit64", "pselect6", "pwrite64", "pwritev", "read", "readahead", "readlink",
    "readlinkat", "readv", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending",
    "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
    "sched_getparam", "sched_getscheduler", "sched_yield", "seccomp", "select", "sendfile",
    "set_robust_list", "set_tid_address", "setitimer", "setrlimit", "sigaltstack", "signalfd",
    "signalfd4", "splice", "stat", "statfs", "statx", "sysinfo", "tee", "tgkill", "time",
    "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime",
    "timerfd_create", "timerfd_gettime", "timerfd_settime", "times", "umask", "uname", "wait4",
    "waitid", "write", "writev", NULL};
static const char *const connects[] = {"bind", "connect", "getpeername", "getsockname",
    "getsockopt", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt",
    "shutdown", "socketpair", NULL};
static const char *const accepts[] = {"accept", "accept4", "listen", NULL};
static const char *const writes[] = {"chmod", "chown", "creat", "fallocate", "fchmod", "fchmodat",
    "fchown", "fchownat", "ftruncate", "futimesat", "lchown", "link", "linkat", "mkdir", "mkdirat",
    "rename", "renameat", "renameat2", "rmdir", "symlink", "symlinkat", "sync_file_range",
    "truncate", "unlink", "unlinkat", "utime", "utimensat", "utimes", NULL};
static const char *const forks[] = {"fork", "setpgid", "vfork", NULL};
/* Programs that are not ours (gpg, gpgsm, gpg-agent, Python, a shell) do what ours do not. Giving
 * away rights they do not have does nothing. */
static const char *const starts[] = {"capget", "capset", "chdir", "execve", "execveat", "fchdir",
    "get_mempolicy", "getcpu", "inotify_add_watch", "inotify_init", "inotify_init1",
    "inotify_rm_watch", "ioprio_get", "ioprio_set", "memfd_create", "mlockall", "munlockall",
    "pidfd_open", "pidfd_send_signal", "sched_setaffinity", "sched_setattr", "sched_setparam",
    "sched_setscheduler", "setfsgid", "setfsuid", "setgid", "setgroups", "setpriority", "setregid",
    "setresgid", "setresuid", "setreuid", "setsid", "setuid", NULL};
static const char *const detaches[] = {"unshare", NULL};
/* Tried by libraries that can do without. clone3 hides its flags from a filter; the C library then
 * takes clone. */
static const char *const absent[] = {"clone3", "io_uring_setup", "openat2", "userfaultfd", NULL};
static const char *const harmless[] = {"add_key", "keyctl", "request_key", "syslog", NULL};

static struct {
	const char *part;
	char names[CALLS_MAX][NAME_SIZE];
} told;

/* -- what is said of a call that is not on the list -- */

static size_t put(char *line, size_t at, size_t size, const char *text)
{
	while (*text && at + 1 < size)
		line[at++] = *text++;
	return at;
}

static void refused(int signo, siginfo_t *info, void *context)
{
	int call = info->si_syscall;
	char line[160];
	ssize_t written;
	size_t n = 0;

	(void)context;
	n = put(line, n, sizeof(line), "sandbox: error: part=");
	n = put(line, n, sizeof(line), told.part);
	n = put(line, n, sizeof(line), " made a system call that it may not: ");
	n = put(line, n, sizeof(line), call >= 0 && call < CALLS_MAX ? told.names[call] : "?");
	line[n++] = '\n';
	written = write(STDERR_FILENO, line, n);
	(void)written;
	/* SA_RESETHAND: the second one kills */
	(void)raise(signo);
	_exit(1);
}

static void watch(const char *part)
{
	struct sigaction sa = {
	    .sa_sigaction = refused, .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER)};

	told.part = part;
	for (int i = 0; i < CALLS_MAX && !told.names[0][0]; i++) {
		/* the first comes last: it tells whether all are known */
		int call = CALLS_MAX - 1 - i;
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

		(void)put(told.names[call], 0, NAME_SIZE, name ? name : "?");
		free(name);
	}
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGSYS, &sa, NULL);
}

/* -- the filter -- */

static void must(int rc, const char *what)
{
	if (rc < 0)
		log_fatal("sandbox: %s: %s (sandbox = no goes without)", what, strerror(-rc));
}

static void add(scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
	for (; *names != NULL; names++) {
		int call = seccomp_syscall_resolve_name(*names);

		/* a library older than the call: it stays outside */
		if (call != __NR_SCMP_ERROR)
			must(seccomp_rule_add(filter, action, call, 0), *names);
	}
}

/* A rule for each family, because a filter cannot say "any other". */
static void add_sockets(scmp_filter_ctx filter, unsigned may)
{
	const int call = SCMP_SYS(socket);

	for (int family = 0; family < AF_MAX; family++) {
		bool good = (family == AF_UNIX && (may & MAY_CONNECT)) ||
		            ((family == AF_INET || family == AF_INET6) && (may & MAY_REACH));

		must(seccomp_rule_add(filter, good ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES), call,
		         1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family)),
		    "socket");
	}
	must(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 1,
	         SCMP_A0(SCMP_CMP_GE, (scmp_datum_t)AF_MAX)),
	    "socket");
}

/* Reading is for everyone: settings, certificates, users, time zones. */
static void add_open(scmp_filter_ctx filter, unsigned may)
{
	for (int mode = 0; mode <= O_ACCMODE; mode++) {
		uint32_t action =
		    mode == O_RDONLY || (may & MAY_WRITE) ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES);

		must(seccomp_rule_add(filter, action, SCMP_SYS(open), 1,
		         SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE, (scmp_datum_t)mode)),
		    "open");
		must(seccomp_rule_add(filter, action, SCMP_SYS(openat), 1,
		         SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE, (scmp_datum_t)mode)),
		    "openat");
	}
}

/* Threads are for everyone, processes for some, namespaces in this way for nobody. */
static void add_clone(scmp_filter_ctx filter, unsigned may)
{
	const scmp_datum_t spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
	                            CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

	must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	         SCMP_A0(SCMP_CMP_MASKED_EQ, spaces | CLONE_THREAD, CLONE_THREAD)),
	    "clone");
	if (may & MAY_FORK)
		must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		         SCMP_A0(SCMP_CMP_MASKED_EQ, spaces | CLONE_THREAD, 0)),
		    "clone");
}

/* Everything but to type into somebody's terminal. */
static void add_ioctl(scmp_filter_ctx filter)
{
	must(seccomp_rule_add(
	         filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_NE, TIOCSTI)),
	    "ioctl");
	must(seccomp_rule_add(
	         filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, TIOCSTI)),
	    "ioctl");
}

static void load(unsigned may)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);

	if (filter == NULL)
		log_fatal("sandbox: libseccomp does not start");
	/* a tree: the list is long, and smtpd makes many calls */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	add(filter, SCMP_ACT_ALLOW, every);
	if (may & (MAY_CONNECT | MAY_REACH | MAY_ACCEPT))
		add(filter, SCMP_ACT_ALLOW, connects);
	if (may & MAY_ACCEPT)
		add(filter, SCMP_ACT_ALLOW, accepts);
	if (may & MAY_WRITE)
		add(filter, SCMP_ACT_ALLOW, writes);
	if (may & MAY_FORK)
		add(filter, SCMP_ACT_ALLOW, forks);
	if (may & MAY_START)
		add(filter, SCMP_ACT_ALLOW, starts);
	if (may & MAY_DETACH)
		add(filter, SCMP_ACT_ALLOW, detaches);
	add_sockets(filter, may);
	add_open(filter, may);
	add_clone(filter, may);
	add_ioctl(filter);
	add(filter, SCMP_ACT_ERRNO(ENOSYS), absent);
	add(filter, SCMP_ACT_ERRNO(EPERM), harmless);
	if (!(may & MAY_DETACH))
		add(filter, SCMP_ACT_ERRNO(EPERM), detaches);
	must(seccomp_load(filter), "the kernel takes no filter");
	seccomp_release(filter);
}

/* -- the part -- */

static bool is_unix(const char *address)
{
	return address[0] == '/' || strncmp(address, "unix:", strlen("unix:")) == 0;
}

/* Neighbours on other machines are reached by IP, those here by their sockets. */
static unsigned rights(const struct part *part, const struct settings *settings)
{
	bool database = strcmp(part->name, "smtpd") == 0 || strcmp(part->name, "clerk") == 0 ||
	                strncmp(part->name, "router", strlen("router")) == 0;
	bool accounts = strcmp(part->name, "smtpd") == 0;
	unsigned may = part->may;

	if ((database && !is_unix(settings->db_host)) ||
	    (accounts && !is_unix(settings->dovecot_auth)))
		may |= MAY_REACH;
	if (crash_armed()) /* a test: files of crash points are removed */
		may |= MAY_WRITE;
	return may;
}

static void limit_memory(const struct part *part, const struct settings *settings)
{
	rlim_t bytes = part->base_mib * MIB + part->messages * (rlim_t)settings->message_size_limit;
	struct rlimit limit;

	if (strcmp(part->name, "smtpd") == 0)
		bytes += 2 * (rlim_t)settings->smtpd_data_in_flight_max +
		         (rlim_t)settings->smtpd_sessions_max * SESSION_BYTES;
	if (strcmp(part->name, "router-worker") == 0)
		bytes += 4 * (rlim_t)settings->router_batch * (rlim_t)settings->message_size_limit;
	if (bytes == 0 || SANITIZED)
		return;
	if (getrlimit(RLIMIT_AS, &limit) != 0)
		log_fatal("sandbox: getrlimit: %s", strerror(errno));
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < bytes)
		return; /* who started us set a lower one */
	limit = (struct rlimit){bytes, bytes};
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		log_fatal("sandbox: setrlimit: %s", strerror(errno));
}

void sandbox_enter(const struct settings *settings, const char *part)
{
	const struct part *p = parts;

	while (strcmp(p->name, part) != 0) /* names are ours: it is there */
		p++;
	limit_memory(p, settings);
	if (!settings->sandbox || SANITIZED) {
		log_warn("sandbox: part=%s runs without a filter: %s", part,
		    settings->sandbox ? "built with a sanitizer" : "sandbox = no");
		return;
	}
	watch(p->name);
	load(rights(p, settings));
	log_debug("sandbox: part=%s", part);
}
