// Times whole processes, interleaved so that all see the same machine.
//
//   harmony-bench-start-up ROUNDS NAME=PROGRAM[,ARGUMENT...] ...
//
// Prints "name <tab> p50 <tab> p99" in milliseconds for each, from posix_spawn to the reaped end. A program's
// output goes to /dev/null; a program that fails ends the measurement.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "statistics.hpp"

extern char** environ;

namespace {

struct Subject {
    std::string name;
    std::vector<std::string> arguments;
    std::vector<double> samples;
};

Subject parse(const std::string& text) {
    const auto equals = text.find('=');
    Subject subject{text.substr(0, equals), {}, {}};
    std::string rest = text.substr(equals + 1);
    for (std::size_t comma; (comma = rest.find(',')) != std::string::npos; rest.erase(0, comma + 1)) {
        subject.arguments.push_back(rest.substr(0, comma));
    }
    subject.arguments.push_back(rest);
    return subject;
}

// Milliseconds, or a negative number when it could not be started or failed.
double run(const Subject& subject) {
    std::vector<char*> arguments;
    for (const auto& argument : subject.arguments)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    const auto start = std::chrono::steady_clock::now();
    pid_t child = 0;
    int status = -1;
    if (posix_spawn(&child, arguments[0], &files, nullptr, arguments.data(), environ) == 0) {
        waitpid(child, &status, 0);
    }
    const auto end = std::chrono::steady_clock::now();
    posix_spawn_file_actions_destroy(&files);
    if (status != 0) return -1;
    return std::chrono::duration<double, std::milli>(end - start).count();
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 2 ? std::atoi(argv[1]) : 0;
    if (rounds < 1) {
        std::fprintf(stderr, "usage: %s ROUNDS NAME=PROGRAM[,ARGUMENT...] ...\n", argv[0]);
        return 2;
    }
    std::vector<Subject> subjects;
    for (int i = 2; i < argc; ++i)
        subjects.push_back(parse(argv[i]));
    for (int round = 0; round < rounds; ++round) {
        for (auto& subject : subjects) {
            const double took = run(subject);
            if (took < 0) {
                std::fprintf(stderr, "%s failed: %s\n", subject.name.c_str(), subject.arguments[0].c_str());
                return 1;
            }
            subject.samples.push_back(took);
        }
    }
    for (auto& subject : subjects)
        harmony::bench::print(subject.name.c_str(), subject.samples);
    return 0;
}
