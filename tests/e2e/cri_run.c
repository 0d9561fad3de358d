/* SPDX-License-Identifier: Apache-2.0 */
/* cri_run SOCKET POD UID NAMESPACE APP CONTAINER IMAGE COMMAND…: what kubelet does: a pod on the
 * host's network with one container. Prints the ids of the sandbox and of the container, waits a
 * second, then removes both. With KEEP=1 in the environment they stay. */
#include "crirun.pb-c.h"
#include "grpc/grpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOST = 2, PACKED_MAX = 8192 };

static struct grpc *client;
static const char *path;
static char answer[129];
static int ended;

static int on_message(void *arg, const uint8_t *p, size_t len)
{
    Crirun__Id *m = crirun__id__unpack(NULL, len, p);

    (void)arg;
    if (!m)
        return -1;
    (void)snprintf(answer, sizeof(answer), "%s", m->id);
    crirun__id__free_unpacked(m, NULL);
    return 0;
}

static void on_done(void *arg, int status, const char *text)
{
    ended = 1;
    if (status == GRPC_OK)
        return;
    (void)fprintf(stderr, "cri_run: %s: %d %s\n", (const char *)arg, status, text);
    exit(1);
}

static const char *ask(const char *method, const ProtobufCMessage *m)
{
    uint8_t packed[PACKED_MAX];
    char name[128];
    struct grpc_request r = {.socket = path,
                             .method = name,
                             .message = packed,
                             .len = protobuf_c_message_get_packed_size(m),
                             .timeout_ms = 20000,
                             .message_fn = on_message,
                             .done = on_done,
                             .arg = (void *)(uintptr_t)method};
    struct grpc_call *call;

    (void)snprintf(name, sizeof(name), "/runtime.v1.RuntimeService/%s", method);
    if (r.len > sizeof(packed))
        exit(1);
    (void)protobuf_c_message_pack(m, packed);
    ended = 0;
    if (grpc_start(client, &r, &call, NULL) < 0)
        exit(1);
    while (!ended)
        grpc_run(client, 1000);
    return answer;
}

static void ask_id(const char *method, char *id)
{
    Crirun__Id m = CRIRUN__ID__INIT;

    m.id = id;
    (void)ask(method, &m.base);
}

static Cri__Entry entry(const char *key, char *value)
{
    Cri__Entry e = CRI__ENTRY__INIT;

    e.key = (char *)(uintptr_t)key;
    e.value = value;
    return e;
}

int main(int argc, char **argv)
{
    static char sandbox[129], container[129], logs[] = "/tmp";
    Cri__NamespaceOption ns = CRI__NAMESPACE_OPTION__INIT;
    Crirun__SecurityContext security = CRIRUN__SECURITY_CONTEXT__INIT;
    Crirun__OnLinux lin = CRIRUN__ON_LINUX__INIT;
    Cri__PodSandboxMetadata pod = CRI__POD_SANDBOX_METADATA__INIT;
    Crirun__PodConfig config = CRIRUN__POD_CONFIG__INIT;
    Crirun__RunPodSandboxRequest run = CRIRUN__RUN_POD_SANDBOX_REQUEST__INIT;
    Cri__ContainerMetadata meta = CRI__CONTAINER_METADATA__INIT;
    Cri__ImageSpec image = CRI__IMAGE_SPEC__INIT;
    Crirun__ContainerSecurity inside = CRIRUN__CONTAINER_SECURITY__INIT;
    Crirun__ContainerOnLinux on = CRIRUN__CONTAINER_ON_LINUX__INIT;
    Crirun__ContainerConfig c = CRIRUN__CONTAINER_CONFIG__INIT;
    Crirun__CreateContainerRequest create = CRIRUN__CREATE_CONTAINER_REQUEST__INIT;
    Cri__Entry labels[4], *lists[4];

    if (argc < 9) {
        (void)fprintf(stderr, "cri_run SOCKET POD UID NAMESPACE APP CONTAINER IMAGE COMMAND…\n");
        return 2;
    }
    path = argv[1];
    if (grpc_new(&client, NULL) < 0)
        return 1;
    labels[0] = entry("app", argv[5]); /* as kubelet sets them */
    labels[1] = entry("io.kubernetes.pod.name", argv[2]);
    labels[2] = entry("io.kubernetes.pod.uid", argv[3]);
    labels[3] = entry("io.kubernetes.pod.namespace", argv[4]);
    for (int i = 0; i < 4; i++)
        lists[i] = &labels[i];
    ns.network = HOST;
    ns.pid = 1;
    security.namespace_options = &ns;
    lin.security_context = &security;
    pod.name = argv[2];
    pod.uid = argv[3];
    pod.namespace_ = argv[4];
    config.metadata = &pod;
    config.log_directory = logs;
    config.labels = lists;
    config.n_labels = 4;
    config.linux_options = &lin;
    run.config = &config;
    (void)snprintf(sandbox, sizeof(sandbox), "%s", ask("RunPodSandbox", &run.base));
    (void)printf("%s\n", sandbox);

    meta.name = argv[6];
    image.image = argv[7];
    inside.namespace_options = &ns;
    on.security_context = &inside;
    c.metadata = &meta;
    c.image = &image;
    c.command = argv + 8;
    c.n_command = (size_t)argc - 8;
    labels[0] = entry("io.kubernetes.container.name", argv[6]);
    c.labels = lists;
    c.n_labels = 4;
    c.linux_options = &on;
    create.pod_sandbox_id = sandbox;
    create.config = &c;
    create.sandbox_config = &config;
    (void)snprintf(container, sizeof(container), "%s", ask("CreateContainer", &create.base));
    (void)printf("%s\n", container);
    ask_id("StartContainer", container);
    if (getenv("KEEP"))
        return 0;
    (void)sleep(1);
    ask_id("RemoveContainer", container);
    ask_id("StopPodSandbox", sandbox);
    ask_id("RemovePodSandbox", sandbox);
    grpc_free(client);
    return 0;
}
