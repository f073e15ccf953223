/* Hyperscan over the literals of a set: streaming, in pieces of 64 KiB, one core.
 *
 *   engine-hyperscan ROUNDS LITERALS INPUT...
 *
 * LITERALS: a line for each, flags ("i" ignores case, "-" does not), a space, hex digits. Each
 * literal is reported once a stream (HS_FLAG_SINGLEMATCH), the cheapest question it can be asked.
 * One line of JSON for each measurement; the best of the rounds counts. */
#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PIECE (64u << 10)

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int count(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *sum) {
    (void)id, (void)from, (void)to, (void)flags;
    ++*(unsigned long long *)sum;
    return 0;
}

static void fail(const char *what) {
    fprintf(stderr, "engine-hyperscan: %s\n", what);
    exit(2);
}

static unsigned char *whole(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail(path);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size) fail(path);
    bytes[*size] = 0;
    fclose(file);
    return bytes;
}

static unsigned digit(char sign) {
    return (unsigned)(sign <= '9' ? sign - '0' : sign - 'a' + 10);
}

static hs_database_t *compiled(const char *path, unsigned *literals) {
    size_t size, room = 0;
    char *text = (char *)whole(path, &size);
    for (size_t at = 0; at < size; at++) room += text[at] == '\n';
    const char **patterns = calloc(room, sizeof *patterns);
    unsigned *flags = calloc(room, sizeof *flags), *ids = calloc(room, sizeof *ids);
    size_t *lengths = calloc(room, sizeof *lengths);
    if (!patterns || !flags || !ids || !lengths) fail("memory");
    unsigned made = 0;
    for (char *line = text; line < text + size && made < room; made++) {
        char *end = strchr(line, '\n');
        if (!end) break;
        int is_folded = line[0] == 'i';
        char *bytes = line + 2;
        size_t length = (size_t)(end - bytes) / 2;
        for (size_t at = 0; at < length; at++)
            line[at] = (char)(digit(bytes[2 * at]) << 4 | digit(bytes[2 * at + 1]));
        flags[made] = HS_FLAG_SINGLEMATCH | (is_folded ? HS_FLAG_CASELESS : 0);
        patterns[made] = line, lengths[made] = length, ids[made] = made;
        line = end + 1;
    }
    *literals = made;
    hs_database_t *database = NULL;
    hs_compile_error_t *fault = NULL;
    if (hs_compile_lit_multi(patterns, flags, ids, lengths, made, HS_MODE_STREAM, NULL, &database, &fault))
        fail(fault ? fault->message : "does not compile");
    return database;
}

int main(int words, char **word) {
    if (words < 4) fail("usage: engine-hyperscan ROUNDS LITERALS INPUT...");
    unsigned literals;
    double began = now();
    hs_database_t *database = compiled(word[2], &literals);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    size_t bytes = 0, state = 0;
    hs_database_size(database, &bytes);
    hs_stream_size(database, &state);
    printf("{\"what\": \"compile\", \"engine\": \"hyperscan\", \"rules\": %u, \"ms\": %.1f, \"rss_kib\": %ld,"
           " \"database_bytes\": %zu, \"stream_bytes\": %zu}\n",
           literals, (now() - began) * 1e3, used.ru_maxrss, bytes, state);
    hs_scratch_t *scratch = NULL;
    if (hs_alloc_scratch(database, &scratch)) fail("scratch");
    for (int at = 3; at < words; at++) {
        size_t size;
        unsigned char *input = whole(word[at], &size);
        double best = 1e9;
        unsigned long long found = 0;
        for (int round = 0; round < atoi(word[1]); round++) {
            hs_stream_t *stream;
            double start = now();
            found = 0;
            if (hs_open_stream(database, 0, &stream)) fail("stream");
            for (size_t from = 0; from < size; from += PIECE) {
                size_t piece = size - from < PIECE ? size - from : PIECE;
                if (hs_scan_stream(stream, (char *)input + from, (unsigned)piece, 0, scratch, count, &found))
                    fail("scan");
            }
            hs_close_stream(stream, scratch, count, &found);
            double took = now() - start;
            if (took < best) best = took;
        }
        const char *name = strrchr(word[at], '/');
        printf("{\"what\": \"throughput\", \"engine\": \"hyperscan\", \"input\": \"%s\", \"mb_per_s\": %.1f,"
               " \"found\": %llu}\n", name ? name + 1 : word[at], (double)size / 1e6 / best, found);
        free(input);
    }
    return 0;
}
