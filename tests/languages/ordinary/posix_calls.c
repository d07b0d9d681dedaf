#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <mqueue.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#define MUST(x) do { if (!(x)) { perror(#x); return 1; } } while (0)

int main(void) {
  char buffer[64];
  struct statvfs fs;
  struct sysinfo machine;
  struct utsname name;
  struct rlimit limit;
  MUST(getrandom(buffer, 16, 0) == 16 && statvfs(".", &fs) == 0 && sysinfo(&machine) == 0 && uname(&name) == 0);
  MUST(getrlimit(RLIMIT_STACK, &limit) == 0 && setrlimit(RLIMIT_STACK, &limit) == 0 && prctl(PR_SET_NAME, "posix") == 0);
  int shared = shmget(IPC_PRIVATE, 4096, 0600), semaphore = semget(IPC_PRIVATE, 1, 0600);
  MUST(shared >= 0 && semaphore >= 0);
  char *memory = shmat(shared, NULL, 0);
  MUST(memory != (void *)-1 && shmdt(memory) == 0 && shmctl(shared, IPC_RMID, NULL) == 0 && semctl(semaphore, 0, IPC_RMID) == 0);
  int watch = inotify_init1(IN_NONBLOCK);
  MUST(watch >= 0 && inotify_add_watch(watch, ".", IN_CREATE) >= 0);
  int file = open("made", O_RDWR | O_CREAT, 0600);
  MUST(file >= 0 && read(watch, (char[512]){0}, 512) > 0 && ftruncate(file, 100) == 0 && fallocate(file, 0, 0, 200) == 0);
  MUST(fchmod(file, 0644) == 0 && renameat2(AT_FDCWD, "made", AT_FDCWD, "moved", RENAME_NOREPLACE) == 0);
  int pair[2];
  MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0 && send(pair[0], "hi", 2, 0) == 2 && recv(pair[1], buffer, 64, 0) == 2);
  pid_t child;
  char *arguments[] = {"true", NULL};
  int status;
  MUST(posix_spawn(&child, "/bin/true", NULL, NULL, arguments, NULL) == 0 && waitpid(child, &status, 0) == child && status == 0);
  glob_t found;
  MUST(glob("/usr/lib/*", 0, NULL, &found) == 0 && found.gl_pathc > 0 && opendir("/proc/self/fd"));
  FILE *pipe = popen("echo through", "r");
  MUST(pipe && fgets(buffer, 64, pipe) && strcmp(buffer, "through\n") == 0 && pclose(pipe) == 0);
  MUST(socket(AF_INET, SOCK_STREAM, 0) >= 0 && socket(AF_INET6, SOCK_DGRAM, 0) >= 0 && setpriority(PRIO_PROCESS, 0, 5) == 0);
  return puts("ok") < 0;
}
