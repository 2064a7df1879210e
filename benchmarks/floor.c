/* The floor of a fan-out: send() the same bytes to every client, at a fixed rate. PORT CLIENTS RATE HEAD_FILE FRAME_FILE

   A client that connects is sent the head at once. When all have come, the frame goes to each of them, RATE times a
   second, until one of them leaves; then everything begins again. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static size_t read_file(const char *path, char *bytes, size_t most) {
    FILE *file = fopen(path, "rb");
    if (!file) { perror(path); exit(1); }
    size_t size = fread(bytes, 1, most, file);
    fclose(file);
    return size;
}

static int listen_on(int port) {
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("floor: listen");
        exit(1);
    }
    return listener;
}

static int accept_one(int listener, const char *head, size_t head_bytes) {
    int on = 1, client = accept(listener, NULL, NULL);
    if (client < 0) { perror("floor: accept"); exit(1); }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    send(client, head, head_bytes, MSG_NOSIGNAL);
    return client;
}

static int send_to_all(const int *clients, int count, const char *frame, size_t frame_bytes) {
    for (int i = 0; i < count; i++)
        if (send(clients[i], frame, frame_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)frame_bytes) return 0;
    return 1;
}

int main(int argc, char **argv) {
    static char head[4096], frame[65536];
    if (argc != 6) { fprintf(stderr, "floor: PORT CLIENTS RATE HEAD_FILE FRAME_FILE\n"); return 2; }
    int count = atoi(argv[2]), listener = listen_on(atoi(argv[1]));
    long gap_ns = (long)(1e9 / atof(argv[3]));
    size_t head_bytes = read_file(argv[4], head, sizeof head), frame_bytes = read_file(argv[5], frame, sizeof frame);
    int *clients = calloc(count, sizeof *clients);
    for (;;) {
        for (int i = 0; i < count; i++) clients[i] = accept_one(listener, head, head_bytes);
        struct timespec due;
        clock_gettime(CLOCK_MONOTONIC, &due);
        do {
            due.tv_nsec += gap_ns;
            due.tv_sec += due.tv_nsec / 1000000000;
            due.tv_nsec %= 1000000000;
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        } while (send_to_all(clients, count, frame, frame_bytes));
        for (int i = 0; i < count; i++) close(clients[i]);
    }
}
