/*
 * A disk that fails and a wall clock that jumps, for one process: loaded with LD_PRELOAD and steered by two files.
 *
 * LANDFALL_DISK_FAULT names a file with one rule, "PATH CALL ACTION NUMBER AFTER COUNT" (see preload.ts for what the words mean). It strikes
 * calls on files whose path contains PATH; each strike adds one byte to the file of the same name with ".hits" after it. Whoever
 * replaces the file starts the counting anew.
 *
 * LANDFALL_CLOCK_SHIFT names a file with a number of seconds that is added to the wall clock. The monotonic clock is left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

/* LMDB's two meta pages are the first of the file. */
#define META_END 8192

/* Buffers of one writev that can be cut short. */
#define MAX_BUFFERS 128

struct rule {
  char path[256], call[16], action[16];
  long number, after, count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Reads the rule when it is a new one; gives whether there is one. The lock is held. */
static int load(struct rule **found) {
  static struct rule rule;
  static struct stat known;
  const char *name = getenv("LANDFALL_DISK_FAULT");
  struct stat now;
  if (name == NULL || stat(name, &now) < 0) return 0;
  *found = &rule;
  if (now.st_ino == known.st_ino && now.st_mtim.tv_sec == known.st_mtim.tv_sec && now.st_mtim.tv_nsec == known.st_mtim.tv_nsec) return 1;
  FILE *file = fopen(name, "r");
  if (file == NULL) return 0;
  int words = fscanf(file, "%255s %15s %15s %ld %ld %ld", rule.path, rule.call, rule.action, &rule.number, &rule.after, &rule.count);
  fclose(file);
  if (words != 6) abort();
  known = now;
  return 1;
}

static void tell(void) {
  char name[4096];
  snprintf(name, sizeof name, "%s.hits", getenv("LANDFALL_DISK_FAULT"));
  int file = NEXT(open64)(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || write(file, "x", 1) != 1) abort();
  close(file);
}

/* Whether the rule strikes a call on a path, with a copy of the rule. */
static int strikes_path(const char *call, const char *path, struct rule *copy) {
  struct rule *rule;
  int struck = 0;
  pthread_mutex_lock(&lock);
  if (load(&rule) && strcmp(rule->call, call) == 0 && strstr(path, rule->path) != NULL) {
    if (rule->after > 0) rule->after--;
    else if (rule->count != 0) {
      if (rule->count > 0) rule->count--;
      *copy = *rule;
      struck = 1;
      tell();
    }
  }
  pthread_mutex_unlock(&lock);
  return struck;
}

static int strikes(const char *call, int fd, struct rule *copy) {
  if (getenv("LANDFALL_DISK_FAULT") == NULL) return 0;
  int before = errno;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  int struck = 0;
  if (length > 0) {
    path[length] = 0;
    struck = strikes_path(call, path, copy);
  }
  errno = before;
  return struck;
}

static int is(const struct rule *rule, const char *action) { return strcmp(rule->action, action) == 0; }

static void sleep_ms(long ms) {
  struct timespec time = { ms / 1000, ms % 1000 * 1000000L };
  nanosleep(&time, NULL);
}

/* Syncs */

static int sync_file(int fd, int (*real)(int)) {
  struct rule rule;
  if (!strikes("sync", fd, &rule)) return real(fd);
  if (is(&rule, "skip")) return 0;
  if (is(&rule, "delay")) { sleep_ms(rule.number); return real(fd); }
  errno = rule.number;
  return -1;
}

int fsync(int fd) { return sync_file(fd, NEXT(fsync)); }
int fdatasync(int fd) { return sync_file(fd, NEXT(fdatasync)); }

/* A file whose syncs are skipped must not sync by itself either. */
static int unsynced(const char *path, int flags) {
  struct rule rule;
  if ((flags & (O_DSYNC | O_SYNC)) == 0 || !strikes_path("sync", path, &rule) || !is(&rule, "skip")) return flags;
  return flags & ~(O_DSYNC | O_SYNC);
}

#define WITH_MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { WITH_MODE(flags) return NEXT(open)(path, unsynced(path, flags), mode); }
int open64(const char *path, int flags, ...) { WITH_MODE(flags) return NEXT(open64)(path, unsynced(path, flags), mode); }
int openat(int folder, const char *path, int flags, ...) { WITH_MODE(flags) return NEXT(openat)(folder, path, unsynced(path, flags), mode); }

/* Writes */

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  struct rule rule;
  if (!strikes(at < META_END ? "meta" : "write", fd, &rule)) return NEXT(pwrite64)(fd, bytes, size, at);
  if (is(&rule, "skip")) return size;
  if (is(&rule, "short")) return NEXT(pwrite64)(fd, bytes, size / 2, at);
  errno = rule.number;
  return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return pwrite64(fd, bytes, size, at); }

/* Cuts a list of buffers to half of its bytes; gives how many buffers that are. */
static int half(const struct iovec *all, int count, struct iovec *cut) {
  size_t left = 0;
  for (int i = 0; i < count; i++) left += all[i].iov_len;
  left /= 2;
  int used = 0;
  while (left > 0 && used < count && used < MAX_BUFFERS) {
    cut[used] = all[used];
    if (cut[used].iov_len > left) cut[used].iov_len = left;
    left -= cut[used++].iov_len;
  }
  return used;
}

static size_t total(const struct iovec *all, int count) {
  size_t sum = 0;
  for (int i = 0; i < count; i++) sum += all[i].iov_len;
  return sum;
}

ssize_t writev(int fd, const struct iovec *buffers, int count) {
  struct rule rule;
  struct iovec cut[MAX_BUFFERS];
  if (!strikes("write", fd, &rule)) return NEXT(writev)(fd, buffers, count);
  if (is(&rule, "skip")) return total(buffers, count);
  if (is(&rule, "short")) return NEXT(writev)(fd, cut, half(buffers, count, cut));
  errno = rule.number;
  return -1;
}

ssize_t pwritev64(int fd, const struct iovec *buffers, int count, off64_t at) {
  struct rule rule;
  struct iovec cut[MAX_BUFFERS];
  if (!strikes("write", fd, &rule)) return NEXT(pwritev64)(fd, buffers, count, at);
  if (is(&rule, "skip")) return total(buffers, count);
  if (is(&rule, "short")) return NEXT(pwritev64)(fd, cut, half(buffers, count, cut), at);
  errno = rule.number;
  return -1;
}

ssize_t pwritev(int fd, const struct iovec *buffers, int count, off_t at) { return pwritev64(fd, buffers, count, at); }

/* The wall clock */

/* How long a shift that was read stays good. */
#define SHIFT_MS 50

static long shift(void) {
  static atomic_llong read_at;
  static atomic_long seconds;
  const char *name = getenv("LANDFALL_CLOCK_SHIFT");
  if (name == NULL) return 0;
  struct timespec now;
  NEXT(clock_gettime)(CLOCK_MONOTONIC, &now);
  long long ms = now.tv_sec * 1000LL + now.tv_nsec / 1000000;
  if (ms - read_at < SHIFT_MS && read_at > 0) return seconds;
  read_at = ms;
  int before = errno;
  char text[32] = "";
  int file = NEXT(open64)(name, O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    if (read(file, text, sizeof text - 1) < 0) abort();
    close(file);
  }
  seconds = atol(text);
  errno = before;
  return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int failed = NEXT(clock_gettime)(clock, time);
  if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += shift();
  return failed;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  int failed = NEXT(gettimeofday)(time, zone);
  if (failed == 0) time->tv_sec += shift();
  return failed;
}

time_t time(time_t *out) {
  time_t now = NEXT(time)(NULL) + shift();
  if (out != NULL) *out = now;
  return now;
}
