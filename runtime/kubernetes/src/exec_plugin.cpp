#include "exec_plugin.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "harmony/http/base64.hpp"

extern char** environ;

namespace harmony::runtime::kubernetes {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxOutputBytes = 1024 * 1024;

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

class Descriptor {
 public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() { reset(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    void reset() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    [[nodiscard]] int get() const { return fd_; }

 private:
    int fd_;
};

std::vector<std::string> plugin_environment(const ExecPlugin& plugin, const ClusterAccess& access) {
    std::vector<std::string> variables;
    const auto replaced = [&](std::string_view name) {
        return name == "KUBERNETES_EXEC_INFO" ||
               std::any_of(plugin.environment.begin(), plugin.environment.end(),
                           [&](const auto& pair) { return pair.first == name; });
    };
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view variable(*entry);
        if (!replaced(variable.substr(0, variable.find('=')))) variables.emplace_back(variable);
    }
    for (const auto& [name, value] : plugin.environment)
        variables.push_back(name + "=" + value);
    variables.push_back("KUBERNETES_EXEC_INFO=" + exec_info(plugin, access));
    return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts)
        result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

Answer<pid_t> spawn(const ExecPlugin& plugin, const ClusterAccess& access, int output) {
    std::vector<std::string> arguments{plugin.command};
    arguments.insert(arguments.end(), plugin.arguments.begin(), plugin.arguments.end());
    std::vector<std::string> environment = plugin_environment(plugin, access);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    // Connections, to begin with: what is behind them is not the plugin's.
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    // A group of its own, so that what it started ends with it.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    pid_t pid = 0;
    const int error = posix_spawnp(&pid, plugin.command.c_str(), &actions, &attributes,
                                   pointers(arguments).data(), pointers(environment).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error == 0) return pid;
    std::string text = "credential plugin " + plugin.command + ": " + std::strerror(error);
    if (!plugin.install_hint.empty()) text += "; " + plugin.install_hint;
    return refuse(Reason::Configuration, text);
}

int milliseconds_until(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// The whole output; nothing at the deadline or when it is too large.
std::optional<std::string> read_output(int fd, Clock::time_point deadline) {
    std::string output;
    char buffer[4096];
    while (output.size() <= kMaxOutputBytes) {
        pollfd wanted{fd, POLLIN, 0};
        const int ready = ::poll(&wanted, 1, milliseconds_until(deadline));
        if (ready <= 0) {
            // It counts whole milliseconds, and may be early by one.
            const bool goes_on = ready == 0 || errno == EINTR;
            if (!goes_on || Clock::now() >= deadline) return std::nullopt;
            continue;
        }
        const ssize_t count = ::read(fd, buffer, sizeof buffer);
        if (count == 0) return output;
        if (count < 0) return std::nullopt;
        output.append(buffer, static_cast<std::size_t>(count));
    }
    return std::nullopt;
}

// Its exit status; nothing when it did not end in time. It has closed its output already, so this is short.
std::optional<int> wait_for(pid_t pid, Clock::time_point deadline) {
    int status = 0;
    while (true) {
        const pid_t ended = ::waitpid(pid, &status, WNOHANG);
        if (ended == pid) return status;
        if (ended < 0 || Clock::now() >= deadline) return std::nullopt;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
    std::tm parts{};
    const std::string copy(text);
    const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr) return std::nullopt;
    if (*rest == '.') {
        ++rest;
        while (*rest >= '0' && *rest <= '9')
            ++rest;
    }
    std::int64_t offset = 0;
    if (*rest == '+' || *rest == '-') {
        int hours = 0;
        int minutes = 0;
        if (std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes) != 2) return std::nullopt;
        offset = (hours * 3'600 + minutes * 60) * (*rest == '+' ? 1 : -1);
    } else if (*rest != 'Z' || rest[1] != '\0') {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(::timegm(&parts)) - offset;
}

Answer<ExecCredential> decode_exec_credential(const ExecPlugin& plugin, std::string_view text) {
    const std::string name = "credential plugin " + plugin.command + ": ";
    const Json document = Json::parse(text, nullptr, false);
    if (!document.is_object()) return refuse(Reason::Configuration, name + "it printed no JSON object");
    if (text_of(document, "kind") != "ExecCredential" ||
        text_of(document, "apiVersion") != plugin.api_version) {
        return refuse(Reason::Configuration, name + "expected kind ExecCredential of " + plugin.api_version);
    }
    const auto status = document.find("status");
    if (status == document.end() || !status->is_object()) {
        return refuse(Reason::Configuration, name + "status is missing");
    }
    ExecCredential credential;
    credential.token = text_of(*status, "token");
    credential.client_certificate_pem = text_of(*status, "clientCertificateData");
    credential.client_key_pem = text_of(*status, "clientKeyData");
    if (credential.client_certificate_pem.empty() != credential.client_key_pem.empty()) {
        return refuse(Reason::Configuration,
                      name + "status.clientCertificateData and clientKeyData belong together, found one");
    }
    if (credential.token.empty() && credential.client_key_pem.empty()) {
        return refuse(Reason::Configuration, name + "neither status.token nor status.clientCertificateData");
    }
    const std::string expiry = text_of(*status, "expirationTimestamp");
    if (!expiry.empty()) {
        credential.expires_at = parse_time(expiry);
        if (!credential.expires_at) {
            return refuse(Reason::Configuration, name + "status.expirationTimestamp is no RFC 3339 time");
        }
    }
    return credential;
}

std::string exec_info(const ExecPlugin& plugin, const ClusterAccess& access) {
    Json info{
        {"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", {{"interactive", false}}}};
    if (plugin.provide_cluster_info) {
        const bool six = access.host.find(':') != std::string::npos;
        Json& cluster = info["spec"]["cluster"];
        cluster["server"] = "https://" + (six ? "[" + access.host + "]" : access.host) + ":" +
                            std::to_string(access.port) + access.path_prefix;
        if (!access.server_name.empty()) cluster["tls-server-name"] = access.server_name;
        if (access.insecure) cluster["insecure-skip-tls-verify"] = true;
        if (!access.authority_pem.empty())
            cluster["certificate-authority-data"] = http::encode_base64(access.authority_pem);
    }
    return info.dump();
}

Answer<ExecCredential> run_exec_plugin(const ExecPlugin& plugin, const ClusterAccess& access,
                                       Clock::time_point deadline) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return refuse(Reason::Unavailable,
                      std::string("credential plugin: no pipe: ") + std::strerror(errno));
    }
    Descriptor output(ends[0]);
    Descriptor input(ends[1]);
    const auto pid = spawn(plugin, access, input.get());
    if (!pid) return refuse(pid.error());
    input.reset();
    const auto text = read_output(output.get(), deadline);
    const auto status = text ? wait_for(*pid, deadline) : std::nullopt;
    const std::string name = "credential plugin " + plugin.command + ": ";
    if (!status) {
        ::kill(-*pid, SIGKILL);
        ::waitpid(*pid, nullptr, 0);
        const bool late = Clock::now() >= deadline;
        return refuse(late ? Reason::Timeout : Reason::Configuration,
                      name + (late ? "did not end in time" : "printed more than a MiB"));
    }
    if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0) {
        const std::string how = WIFEXITED(*status) ? "exit code " + std::to_string(WEXITSTATUS(*status))
                                                   : "signal " + std::to_string(WTERMSIG(*status));
        return refuse(Reason::Configuration, name + "ended with " + how + "; what it says is on stderr");
    }
    return decode_exec_credential(plugin, *text);
}

}  // namespace harmony::runtime::kubernetes
