/* Runs functions in an image of another process's memory, page by page as they are touched.

   Input: function, three arguments (u64), again and again; and the answers to what is asked for.
   Output: first the addresses of FUNCTIONS; then requests and results, an u64 each, what it is in the lowest bits:

       page + READ      the contents are wanted. Answer: one byte, then the page unless it is NOTHING. What is KEPT will
                        not change.
       page + CHANGED   the contents follow, once the function has returned
       page + TAKEN     this process has other things at that address: start another one
       DONE             the function has returned, and all changes are told
       code + FAILED    a signal that no page would heal: its number, and where
*/
#define _GNU_SOURCE
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { READ, CHANGED, TAKEN, DONE, FAILED };
enum { NOTHING, PASSING, KEPT };
enum { PAGE = 4096, SLOTS = 1 << 20 };

static void *const FUNCTIONS[] = {fmodf, sched_yield, syscall, memcpy, memmove, memset};

static struct {
    uint64_t address;
    int kept, changed;
} pages[SLOTS];
static long order[SLOTS], count;

static void put(const void *data, size_t size) {
    for (const char *at = data; size;) {
        ssize_t n = write(1, at, size);
        if (n <= 0) _exit(1);
        at += n, size -= n;
    }
}

static void get(void *data, size_t size) {
    for (char *at = data; size;) {
        ssize_t n = read(0, at, size);
        if (n <= 0) _exit(0);
        at += n, size -= n;
    }
}

static void tell(uint64_t word) { put(&word, sizeof word); }

static long slot(uint64_t address) {
    long i = address / PAGE * 0x9E3779B97F4A7C15u % SLOTS;
    while (pages[i].address && pages[i].address != address) i = (i + 1) % SLOTS;
    return i;
}

static void fail(int number, uint64_t at) {
    tell((uint64_t)number * PAGE + FAILED);
    tell(at);
    _exit(1);
}

static void fault(int number, siginfo_t *info, void *context) {
    (void)context;
    uint64_t address = (uint64_t)info->si_addr & -(uint64_t)PAGE;
    long i = slot(address);
    if (number != SIGSEGV || count == SLOTS / 2) fail(number, (uint64_t)info->si_addr);
    if (pages[i].address) { /* it is written to for the first time */
        if (pages[i].changed || pages[i].kept) fail(number, (uint64_t)info->si_addr);
        pages[i].changed = 1;
        mprotect((void *)address, PAGE, PROT_READ | PROT_WRITE);
        return;
    }
    tell(address + READ);
    char answer;
    get(&answer, 1);
    if (answer == NOTHING) fail(number, (uint64_t)info->si_addr);
    int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    if (mmap((void *)address, PAGE, PROT_READ | PROT_WRITE, how, -1, 0) != (void *)address) {
        tell(address + TAKEN);
        _exit(1);
    }
    get((void *)address, PAGE);
    mprotect((void *)address, PAGE, PROT_READ | PROT_EXEC);
    pages[i].address = address, pages[i].kept = answer == KEPT, pages[i].changed = 0;
    order[count++] = i;
}

/* Tells what has changed, and forgets all but what is kept. */
static void finish(void) {
    long kept = 0;
    static uint64_t again[SLOTS];
    for (long k = 0; k < count; k++) {
        long i = order[k];
        uint64_t address = pages[i].address;
        pages[i].address = 0;
        if (pages[i].kept) {
            again[kept++] = address;
            continue;
        }
        if (pages[i].changed) {
            tell(address + CHANGED);
            put((void *)address, PAGE);
        }
        munmap((void *)address, PAGE);
    }
    for (count = 0; count < kept; count++) {
        long i = order[count] = slot(again[count]);
        pages[i].address = again[count], pages[i].kept = 1;
    }
    tell(DONE);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO};
    int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (unsigned k = 0; k < sizeof signals / sizeof *signals; k++) sigaction(signals[k], &action, 0);
    put(FUNCTIONS, sizeof FUNCTIONS);
    for (;;) {
        uint64_t call[4];
        get(call, sizeof call);
        ((void (*)(uint64_t, uint64_t, uint64_t))call[0])(call[1], call[2], call[3]);
        finish();
    }
}
