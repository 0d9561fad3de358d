/* SPDX-License-Identifier: Apache-2.0 */
/* engine SOCKET: an Engine API with one privileged container that runs. At SIGUSR1 another one
 * starts. For what a machine's own Docker may refuse to run. */
#include "../lib/fake_engine.c"

#include <signal.h>

int main(int argc, char **argv)
{
    static struct fake_engine e;
    sigset_t set;
    int sig;

    if (argc != 2)
        return 2;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    engine_start(&e, argv[1]);
    (void)engine_add(&e, 1, true, true);
    for (unsigned n = 2; sigwait(&set, &sig) == 0; n++) {
        const char *id = engine_add(&e, n, true, true);
        char name[16];

        (void)snprintf(name, sizeof(name), "n%u", n);
        engine_event(&e, "create", id, name);
        engine_event(&e, "start", id, name);
    }
    return 0;
}
