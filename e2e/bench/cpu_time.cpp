// harmony-bench-cpu-time PID...: the CPU time that each process has used so far, in milliseconds, one a line.
//
// That of all its threads, those that have ended included, in user and kernel mode, to the nanosecond.
// /proc/PID/stat has the same in ticks of 10 ms, which is all that an idle agent uses in a minute.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

int main(int count, char** values) {
    if (count < 2) {
        std::fprintf(stderr, "usage: %s PID...\n", values[0]);
        return 2;
    }
    for (int at = 1; at < count; ++at) {
        clockid_t clock;
        timespec used;
        const int error = clock_getcpuclockid(std::atoi(values[at]), &clock);
        if (error != 0 || clock_gettime(clock, &used) != 0) {
            std::fprintf(stderr, "no CPU time of process %s: %s\n", values[at],
                         std::strerror(error != 0 ? error : errno));
            return 1;
        }
        std::printf("%.3f\n",
                    static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6);
    }
    return 0;
}
