/*
 * osmo-msc gives up when it cannot listen by SCTP, which many kernels lack. Preloaded, this gives it TCP instead, where nobody will connect.
 * gcc -shared -fPIC -o nosctp.so nosctp.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Option by which SCTP sockets are bound to several addresses (lksctp's sctp_bindx). */
#define SCTP_SOCKOPT_BINDX_ADD 100

int socket(int domain, int type, int protocol)
{
	int (*next)(int, int, int) = dlsym(RTLD_NEXT, "socket");
	return next(domain, type, protocol == IPPROTO_SCTP ? IPPROTO_TCP : protocol);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	int (*next)(int, int, int, const void *, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");
	if (level != IPPROTO_SCTP)
		return next(fd, level, option, value, length);
	return option == SCTP_SOCKOPT_BINDX_ADD ? bind(fd, value, sizeof(struct sockaddr_in)) : 0;
}
