#include "harmony/podman/process_tree.hpp"

#include <dirent.h>
#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <thread>

namespace harmony::runtime::podman {
namespace {

constexpr std::chrono::milliseconds kRound{10};

struct Process {
    pid_t parent = 0;
    pid_t session = 0;
    bool ended = false;  // a zombie waits for its parent; no signal reaches it
};

// Nothing: it is gone.
bool read_process(const char* name, Process& process) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "re"), std::fclose);
    if (!file) return false;
    char text[512];
    const std::size_t got = std::fread(text, 1, sizeof text - 1, file.get());
    text[got] = '\0';
    // "pid (name) state ppid pgrp session ...": the name may hold anything, also brackets.
    const char* rest = nullptr;
    for (std::size_t i = 0; i < got; ++i) {
        if (text[i] == ')') rest = text + i + 1;
    }
    char state = 0;
    int parent = 0;
    int group = 0;
    int session = 0;
    if (rest == nullptr || std::sscanf(rest, " %c %d %d %d", &state, &parent, &group, &session) != 4) {
        return false;
    }
    process = {parent, session, state == 'Z' || state == 'X'};
    return true;
}

std::map<pid_t, Process> all_processes() {
    std::map<pid_t, Process> found;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
    if (!folder) return found;
    while (const dirent* entry = readdir(folder.get())) {
        const pid_t pid = std::atoi(entry->d_name);
        Process process;
        if (pid > 0 && read_process(entry->d_name, process)) found.emplace(pid, process);
    }
    return found;
}

std::set<pid_t> members(pid_t leader) {
    const auto processes = all_processes();
    std::set<pid_t> found;
    for (const auto& [pid, process] : processes) {
        if (pid == leader || process.session == leader) found.insert(pid);
    }
    for (bool grown = true; grown;) {
        grown = false;
        for (const auto& [pid, process] : processes) {
            if (found.contains(process.parent)) grown = found.insert(pid).second || grown;
        }
    }
    std::erase_if(found, [&](pid_t pid) {
        const auto process = processes.find(pid);
        return process == processes.end() || process->second.ended;
    });
    return found;
}

}  // namespace

bool kill_session(pid_t leader, std::chrono::milliseconds patience) {
    if (leader <= 1) return false;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const auto found = members(leader);
        if (found.empty()) return true;
        bool refused = false;
        for (const pid_t pid : found)
            refused = (kill(pid, SIGKILL) != 0 && errno == EPERM) || refused;
        if (refused || std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(kRound);
    }
}

}  // namespace harmony::runtime::podman
