#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_int count;
static sem_t ready;
static void *work(void *unused) { atomic_fetch_add(&count, 1); sem_post(&ready); return unused; }
static void on_signal(int number) { atomic_fetch_add(&count, number == SIGUSR1 ? 100 : 0); }

int main(void) {
  pthread_t threads[20];
  pthread_attr_t attributes;
  sem_init(&ready, 0, 0);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 1 << 17);
  for (int i = 0; i < 20; ++i) if (pthread_create(&threads[i], &attributes, work, NULL)) return 1;
  for (int i = 0; i < 20; ++i) sem_wait(&ready), pthread_join(threads[i], NULL);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (fork() == 0) { *shared = 7; _exit(3); }
  int status;
  if (wait(&status) < 0 || WEXITSTATUS(status) != 3 || *shared != 7) return 2;
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  struct itimerspec soon = {.it_value = {0, 1000000}};
  unsigned long long expirations;
  if (timerfd_settime(timer, 0, &soon, NULL) || read(timer, &expirations, 8) != 8) return 3;
  unsigned char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  code[0] = 0xb8, code[1] = 42, code[5] = 0xc3;  // mov eax, 42; ret
  if (mprotect(code, 4096, PROT_READ | PROT_EXEC) || ((int (*)(void))code)() != 42) return 4;
  if (atomic_load(&count) != 120) return 5;
  return puts("ok") < 0;
}
