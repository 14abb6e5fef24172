/*
 * ipc.c - conformance: System V's and POSIX's shared memory, semaphores and queues, and sockets, with all that
 * the kernel is given in blocks of the heap. Keys are private, names have the process id, never printed.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "conform.h"

static void reads_shared(void *p)
{
	int *n = p;

	say("child sees %d", n[0]);
	n[1000] = 9;
	say("detached %s", result(shmdt(p)));
}

static void shared_memory(void)
{
	struct shmid_ds *ds = block(sizeof(*ds));
	int id = shmget(IPC_PRIVATE, 100000, IPC_CREAT | 0600);
	int *p, *ro;

	must(id >= 0 && (p = shmat(id, NULL, 0)) != (void *)-1);
	ro = shmat(id, NULL, SHM_RDONLY);
	p[0] = 77;
	say("two views %d", ro[0]);
	say("stat %s", result(shmctl(id, IPC_STAT, ds)));
	say("%zu bytes, %lu attached", ds->shm_segsz, (unsigned long)ds->shm_nattch);
	say_wait("child", child_start(reads_shared, p));
	say("written by it %d", ro[1000]);
	say("at a bad place %s", result((long)shmat(id, (char *)p + 1, 0)));
	say("over itself %s", result((long)shmat(id, p, 0) == -1 ? -1 : 0));
	say("over a block %s", result((long)shmat(id, ds, SHM_RND) == -1 ? -1 : 0));
	say("detach a block %s", result(shmdt(ds)));
	say("remove %s", result(shmctl(id, IPC_RMID, NULL)));
	say("lives on %d", p[0]);
	say("detach %s, %s", result(shmdt(p)), result(shmdt(ro)));
	say("detach again %s", result(shmdt(p)));
	say("gone %s", result(shmctl(id, IPC_STAT, ds)));
	say("where it cannot %s", result(shmctl(id, IPC_STAT, nowhere())));
	say("too small %s", result(shmget(IPC_PRIVATE, 0, IPC_CREAT)));
	free(ds);
}

static void waits_for_two(void *id)
{
	struct sembuf *op = block(2 * sizeof(*op));

	op[0] = (struct sembuf){0, -2, 0};
	op[1] = (struct sembuf){1, 3, SEM_UNDO};
	say("two at once %s", result(semop((int)(long)id, op, 2)));
	free(op);
}

static void semaphores(void)
{
	int id = semget(IPC_PRIVATE, 4, IPC_CREAT | 0600);
	unsigned short *all = block(4 * sizeof(*all));
	struct sembuf *op = block(600 * sizeof(*op));
	struct timespec *soon = block(sizeof(*soon));
	struct semid_ds *ds = block(sizeof(*ds));

	all[2] = 5;
	say("set %s", result(semctl(id, 0, SETALL, all)));
	pid_t p = child_start(waits_for_two, (void *)(long)id);

	while (semctl(id, 0, GETNCNT) != 1)
		wait_asleep(p, p);
	op[0] = (struct sembuf){0, 2, 0};
	const char *gave = result(semop(id, op, 1));

	say_wait("child", p);
	say("give %s", gave);
	say_after(semctl(id, 0, GETALL, all), "get %s: %d %d %d", all[0], all[1], all[2]);
	op[0] = (struct sembuf){3, -1, IPC_NOWAIT};
	say("none left %s", result(semop(id, op, 1)));
	soon->tv_nsec = 1000000;
	op[0].sem_flg = 0;
	say("in a while %s", result(semtimedop(id, op, 1, soon)));
	op[0].sem_num = 9;
	say("no such %s", result(semop(id, op, 1)));
	say("too many %s", result(semop(id, op, 600)));
	say("where it cannot %s", result(semop(id, nowhere(), 1)));
	op[0] = (struct sembuf){2, 32767, 0};
	say("too much %s", result(semop(id, op, 1)));
	say_after(semctl(id, 0, IPC_STAT, ds), "stat %s: %lu", (unsigned long)ds->sem_nsems);
	say("remove %s", result(semctl(id, 0, IPC_RMID)));
	say("gone %s", result(semop(id, op, 1)));
	free(all);
	free(op);
	free(soon);
	free(ds);
}

static void messages(void)
{
	struct {
		long type;
		char text[2000];
	} *m = block(sizeof(*m));
	struct msqid_ds *ds = block(sizeof(*ds));
	int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

	for (int i = 1; i < 6; i++) {
		m->type = 6 - i;
		memset(m->text, 'a' + i, sizeof(m->text));
		must(!msgsnd(id, m, (size_t)i * 300, 0));
	}
	say_after(msgctl(id, IPC_STAT, ds), "stat %s: %lu", (unsigned long)ds->msg_qnum);
	say("first %s", result(msgrcv(id, m, 2000, 0, 0)));
	say("type %ld %c", m->type, m->text[299]);
	say_after(msgrcv(id, m, 2000, 2, 0), "of type 2 %s, %c", m->text[1199]);
	say_after(msgrcv(id, m, 2000, -4, 0), "lowest %s, %ld", m->type);
	say("too long %s", result(msgrcv(id, m, 100, 0, 0)));
	say("cut %s", result(msgrcv(id, m, 100, 0, MSG_NOERROR)));
	say("none of it %s", result(msgrcv(id, m, 100, 99, IPC_NOWAIT)));
	m->type = 0;
	say("no type %s", result(msgsnd(id, m, 10, 0)));
	say("where it cannot %s", result(msgsnd(id, nowhere(), 10, 0)));
	say("too large %s", result(msgsnd(id, m, 1 << 30, 0)));
	say("remove %s", result(msgctl(id, IPC_RMID, NULL)));
	say("gone %s", result(msgrcv(id, m, 100, 0, 0)));
	free(m);
	free(ds);
}

static void queues(void)
{
	struct mq_attr *a = block(sizeof(*a));
	struct sigevent *e = block(sizeof(*e));
	struct timespec *t = block(sizeof(*t));
	char *name = block(40), *text = block(64);
	unsigned *prio = block(sizeof(*prio));
	int *count = block(sizeof(*count));

	sprintf(name, "/conform-%d", getpid());
	*a = (struct mq_attr){.mq_maxmsg = 3, .mq_msgsize = 32};
	mqd_t q = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, a);

	must(q >= 0 && !mq_unlink(name));
	notes_to(e, count);
	say("notify %s", result(mq_notify(q, e)));
	for (unsigned i = 0; i < 4; i++)
		say("send %s", result(mq_send(q, strcpy(text, "some text"), 10 + i, i % 3)));
	notes_wait(1);
	say("told %d", *count);
	say("send too long %s", result(mq_send(q, text, 33, 0)));
	say("into too little %s", result(mq_receive(q, text, 31, prio)));
	say("receive %s", result(mq_receive(q, text, 64, prio)));
	say("%s, %u", text, *prio);
	say_after(mq_getattr(q, a), "attributes %s: %ld", a->mq_curmsgs);
	say("timed %s", result(mq_timedreceive(q, text, 64, prio, t)));
	say("timed %s", result(mq_timedreceive(q, text, 64, prio, t)));
	a->mq_flags = 0;
	say("to wait %s", result(mq_setattr(q, a, NULL)));
	say("too late %s", result(mq_timedreceive(q, text, 64, prio, t)));
	t->tv_nsec = -1;
	say("no time %s", result(mq_timedreceive(q, text, 64, prio, t)));
	say("where it cannot %s", result(mq_send(q, nowhere(), 8, 0)));
	free(a);
	free(e);
	free(t);
	free(name);
	free(text);
	free(prio);
	free(count);
}

static void options(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), d[2];
	int *n = block(sizeof(*n));
	socklen_t *len = block(sizeof(*len));
	struct timeval *t = block(sizeof(*t));
	struct tcp_info *info = block(sizeof(*info));
	struct ucred *who = block(sizeof(*who));

	*n = 1;
	*len = sizeof(*n);
	say("set %s", result(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, n, sizeof(*n))));
	say("get %s", result(getsockopt(s, SOL_SOCKET, SO_REUSEADDR, n, len)));
	say("%d of %u", *n, *len);
	*len = 1;
	say_after(getsockopt(s, IPPROTO_TCP, TCP_MAXSEG, n, len), "short %s, %u", *len);
	t->tv_usec = 10000;
	say("time %s", result(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, t, sizeof(*t))));
	say("of bad size %s", result(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, t, 3)));
	*len = sizeof(*info);
	say_after(getsockopt(s, IPPROTO_TCP, TCP_INFO, info, len), "tcp %s, %d", info->tcpi_state);
	say("no such %s", result(getsockopt(s, SOL_SOCKET, 9999, n, len)));
	say("where it cannot %s", result(getsockopt(s, SOL_SOCKET, SO_TYPE, n, nowhere())));
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, d));
	*len = sizeof(*who);
	say_after(getsockopt(d[0], SOL_SOCKET, SO_PEERCRED, who, len), "peer %s, %d",
		who->pid == getpid());
	free(n);
	free(len);
	free(t);
	free(info);
	free(who);
}

/* Names of sockets, and what comes with an address, in blocks of just their size. */
static void addresses(void)
{
	struct sockaddr_un *u = block(sizeof(*u)), *from = block(sizeof(*from));
	socklen_t *len = block(sizeof(*len));
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
	char *text = block(100);
	socklen_t n;

	u->sun_family = AF_UNIX; /* an abstract name */
	n = (socklen_t)(sizeof(sa_family_t) + 1 +
			(size_t)sprintf(u->sun_path + 1, "conform-%d", getpid()));
	say("bind %s", result(bind(a, (void *)u, n)));
	say("again %s", result(bind(b, (void *)u, n)));
	say("send %s", result(sendto(b, strcpy(text, "to you"), 7, 0, (void *)u, n)));
	*len = sizeof(*from);
	say("peek %s", result(recvfrom(a, text, 3, MSG_PEEK | MSG_TRUNC, (void *)from, len)));
	say_after(recvfrom(a, text, 100, 0, (void *)from, len), "receive %s, of %u", *len);
	say("nothing %s", result(recvfrom(a, text, 100, MSG_DONTWAIT, (void *)from, len)));
	*len = 5;
	say_after(getsockname(a, (void *)from, len), "cut name %s, %d", *len == n);
	say("too long %s", result(bind(b, (void *)u, 500)));
	say("too short %s", result(connect(b, (void *)u, 1)));
	say("no peer %s", result(getpeername(b, (void *)from, len)));
	say("where it cannot %s", result(connect(b, nowhere(), n)));
	free(u);
	free(from);
	free(len);
	free(text);
}

/* Many messages in one call, ends of control data with it. */
static void many_messages(void)
{
	enum { N = 64 };
	struct mmsghdr *m = block(N * sizeof(*m));
	struct iovec *v = block(N * sizeof(*v));
	char *control = block(CMSG_SPACE(sizeof(int)) * N);
	struct timespec *t = block(sizeof(*t));
	int s[2], one = 1, sum = 0;

	must(!socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	must(!setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	for (int i = 0; i < N; i++) {
		v[i] = (struct iovec){block((size_t)i + 1), (size_t)i + 1};
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	int sent = sendmmsg(s[0], m, 8, MSG_DONTWAIT);

	say("send %s", result(sent));
	for (int i = 0; i < N; i++) {
		m[i].msg_hdr.msg_control = control + (size_t)i * CMSG_SPACE(sizeof(int));
		m[i].msg_hdr.msg_controllen = CMSG_SPACE(sizeof(int)); /* too little for a ucred */
	}
	t->tv_sec = 100;
	say("receive %s", result(recvmmsg(s[1], m, N, MSG_DONTWAIT, t)));
	for (int i = 0; i < 8; i++)
		sum += (int)m[i].msg_len + m[i].msg_hdr.msg_flags;
	say("sum %d", sum);
	say("none %s", result(recvmmsg(s[1], m, N, MSG_DONTWAIT, t)));
	for (int i = 0; i < N; i++)
		m[i].msg_hdr.msg_controllen = 0;
	m[1].msg_hdr.msg_iov = nowhere();
	say("the second is bad %s", result(sendmmsg(s[0], m, 3, MSG_DONTWAIT)));
	m[0].msg_hdr.msg_iovlen = 5000;
	say("too many parts %s", result(sendmsg(s[0], &m[0].msg_hdr, 0)));
	t->tv_nsec = -1;
	say("no time %s", result(recvmmsg(s[1], m, N, 0, t)));
	for (int i = 0; i < N; i++)
		free(v[i].iov_base);
	free(m);
	free(v);
	free(control);
	free(t);
}

const struct conform_case ipc_cases[] = {
	{"ipc_shared_memory", shared_memory},
	{"ipc_semaphores", semaphores},
	{"ipc_messages", messages},
	{"ipc_queues", queues},
	{"ipc_options", options},
	{"ipc_addresses", addresses},
	{"ipc_many_messages", many_messages},
	{NULL, NULL},
};
